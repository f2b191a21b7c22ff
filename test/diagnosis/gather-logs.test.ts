// Logs may hold anything, and any amount of it.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gatherFacts, readingAccess } from '../../scripts/diagnosis/gather/index.ts';
import { readLines } from '../../scripts/diagnosis/gather/lines.ts';
import { type KubeApi, kubeApi } from '../support/kube-api.ts';
import { at, SHOP, shop, shopPod } from './shop.ts';

const BOUNDS = { lines: 5, chars: 200, line: 100, bytes: 2000 };

async function linesOf(...pieces: (string | Uint8Array)[]) {
  async function* bytes() {
    for (const piece of pieces) yield typeof piece === 'string' ? Buffer.from(piece) : piece;
  }
  return readLines(bytes(), BOUNDS);
}

describe('lines', () => {
  it('are whole, however they were cut on the way', async () => {
    const bytes = Buffer.from('one ä\r\ntwo\n\nlast');
    const pieces = [...bytes].map((byte) => Uint8Array.of(byte));
    expect(await linesOf(...pieces)).toEqual({ lines: ['one ä', 'two', 'last'], cut: false });
  });

  it('are the newest', async () => {
    const many = Array.from({ length: 50 }, (_, index) => `${index}`).join('\n');
    expect(await linesOf(many)).toEqual({ lines: ['45', '46', '47', '48', '49'], cut: true });
  });

  it('are no more than may be kept', async () => {
    const long = (letter: string) => `${letter.repeat(90)}\n`;
    const { lines, cut } = await linesOf(long('a'), long('b'), long('c'));
    expect(lines.map(([first]) => first)).toEqual(['b', 'c']);
    expect(cut).toBe(true);
  });

  it('are not all where as much has come as was asked for', async () => {
    expect((await linesOf('\n'.repeat(1999))).cut).toBe(false);
    expect((await linesOf('\n'.repeat(2000))).cut).toBe(true);
  });

  it('are cut where they are long', async () => {
    const { lines, cut } = await linesOf(`${'x'.repeat(101)}\nshort`);
    expect(lines).toEqual([`${'x'.repeat(99)}…`, 'short']);
    expect(cut).toBe(true);
    expect(await linesOf(`${'x'.repeat(100)}`)).toEqual({ lines: ['x'.repeat(100)], cut: false });
  });

  it('can be printed, whatever they were', async () => {
    const binary = Uint8Array.from({ length: 256 }, (_, index) => index);
    const { lines } = await linesOf(binary, '\n\x1b[31mred\x1b[0m\x07\tend\x1b]0;title\x07\n');
    for (const line of lines) expect(line).not.toMatch(/(?!\t)[\p{Cc}\p{Cs}]/u);
    expect(lines.at(-1)).toBe('red\ufffd\tend');
  });

  it('have no secrets, also over several of them, and where they are cut', async () => {
    const key = `-----BEGIN PRIVATE KEY-----\n${'QUJD'.repeat(8)}\n-----END PRIVATE KEY-----`;
    expect((await linesOf(`a\n${key}\nb`)).lines).toEqual(['a', '[redacted]', 'b']);
    const { lines } = await linesOf(`${'x'.repeat(80)} https://app:${'p'.repeat(40)}@db/`);
    expect(lines.join()).not.toContain('ppp');
  });
});

describe('the logs of a question', () => {
  let kube: KubeApi;
  beforeEach(async () => {
    kube = await kubeApi();
    shop(kube);
  });
  afterEach(() => kube[Symbol.asyncDispose]());

  const facts = async () => {
    const signal = new AbortController().signal;
    return gatherFacts(await readingAccess(kube.api.kubeConfig, { signal }), SHOP);
  };
  const asked = () => kube.requests.filter(({ path }) => path.endsWith('/log'));

  it('are of the last five minutes, two hundred lines each', async () => {
    kube.on(`GET ${at('pods', 'shop')}/`, (_, response) => response.end('a\n'));
    const { logs } = await facts();
    expect(logs).toMatchObject([
      { namespace: 'shop', pod: 'web-abc-1', container: 'app', previous: false, lines: ['a'], cut: false },
      { pod: 'greeter-1' },
    ]);
    expect(Object.fromEntries(asked()[0]?.query ?? [])).toMatchObject({
      container: 'app',
      sinceSeconds: '300',
      tailLines: '200',
    });
  });

  it('are of the container before as well, where it has restarted; of none that has not started', async () => {
    kube.put(at('pods', 'shop'), shopPod('greeter-1', { labels: { app: 'greeter' }, restarts: 3 }));
    kube.put(
      at('pods', 'shop'),
      shopPod('web-abc-1', { labels: { app: 'web' }, owner: 'web-abc', started: false }),
    );
    kube.on(`GET ${at('pods', 'shop')}/greeter-1/log`, ({ query }, response) =>
      response.end(query.get('previous') ? 'before' : 'now'),
    );
    const { logs, unseen } = await facts();
    expect(logs.map(({ pod, previous, lines }) => [pod, previous, lines])).toEqual([
      ['greeter-1', false, ['now']],
      ['greeter-1', true, ['before']],
    ]);
    expect(
      asked()
        .find(({ query }) => query.get('previous'))
        ?.query.has('sinceSeconds'),
    ).toBe(false);
    expect(unseen.filter(({ what }) => /log/.test(what))).toEqual([]);
  });

  it('are of five servers, those first that are not well', async () => {
    for (let index = 2; index < 12; index += 1)
      kube.put(
        at('pods', 'shop'),
        shopPod(`greeter-${index}`, { labels: { app: 'greeter' }, ready: index !== 7, restarts: index }),
      );
    kube.on(`GET ${at('pods', 'shop')}/`, (_, response) => response.end('a\n'));
    const { logs } = await facts();
    const servers = new Set(logs.map(({ pod }) => pod).filter((pod) => pod.startsWith('greeter')));
    expect([...servers]).toEqual(['greeter-7', 'greeter-11', 'greeter-10', 'greeter-9', 'greeter-8']);
  });

  it('are of the pods that could be meant, where the Service selects none', async () => {
    kube.put(at('pods', 'shop'), shopPod('greeter-1', { labels: { app: 'greeter2' } }));
    kube.on(`GET ${at('pods', 'shop')}/`, (_, response) => response.end('a\n'));
    expect((await facts()).logs.map(({ pod }) => pod)).toContain('greeter-1');
  });

  it('take no more memory than they keep, however long a line is', async () => {
    const mebibyte = Buffer.alloc(2 ** 20, 'x');
    kube.on(`GET ${at('pods', 'shop')}/greeter-1/log`, (_, response) => {
      const send = (left: number): void => {
        if (left === 0) response.end('\nlast\n');
        else response.write(mebibyte, () => send(left - 1));
      };
      send(512);
    });
    kube.on(`GET ${at('pods', 'shop')}/web-abc-1/log`, (_, response) => response.end('a\n'));
    // In KiB, at the highest so far.
    const before = process.resourceUsage().maxRSS;
    const { logs } = await facts();
    const log = logs.find(({ pod }) => pod === 'greeter-1');
    expect(log?.lines.map((line) => line.length)).toEqual([2000, 4]);
    expect(log?.cut).toBe(true);
    expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(256);
    expect(asked().every(({ query }) => Number(query.get('limitBytes')) <= 2 ** 21)).toBe(true);
  });
});
