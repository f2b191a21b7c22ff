// The watch against an API that fails in all ways.

import { execFileSync } from 'node:child_process';
import dns from 'node:dns';
import { rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { apiServerCertificate } from '../../../../../scripts/cluster/embedded/certificate.ts';
import type { SliceWatchTimes } from '../../../../../services/grpc-kit/src/resolver/kubernetes/slice-watch.ts';
import { eventually } from '../../../../support/eventually.ts';
import { type FakeApi, fakeApi, NAMESPACE, slice } from '../fake-api.ts';
import { useWatches } from './watched.ts';

const times: SliceWatchTimes = {
  connectMs: 10_000,
  answerMs: 10_000,
  backoff: { firstMs: 10, maxMs: 80 },
  cutBackoff: { firstMs: 10, maxMs: 40 },
  settledMs: 150,
  watchS: { min: 240, max: 300 },
  graceMs: 15_000,
  askedMs: 100,
};

const watches = useWatches(times);
let api: FakeApi;
let folder: string;
beforeEach(() => {
  api = watches.api();
  folder = watches.folder();
});

function watched(...options: Parameters<typeof watches.watched>) {
  const all = watches.watched(...options);
  const { has, seen, lines } = all;
  return {
    ...all,
    sees: (...names: string[]) =>
      eventually(
        () => has(...names),
        () => [seen, lines],
      ),
  };
}

describe('lists and watches', () => {
  it('tells what there is, and each change, with one list and one watch', async () => {
    api.put(slice('a', ['10.0.0.1']));
    const { seen, sees } = watched();
    await sees('a');
    await eventually(() => api.watches.size === 1);
    api.put(slice('b', []));
    await sees('a', 'b');
    api.put(slice('b', ['10.0.0.2']));
    await eventually(() => seen.last.some(({ endpoints }) => endpoints?.[0]?.addresses?.[0] === '10.0.0.2'));
    api.remove('a');
    await sees('b');
    expect(seen.slices).toEqual([['a'], ['a', 'b'], ['a', 'b'], ['b']]);
    expect(seen.service).toBe(`greeter.${NAMESPACE}`);
    expect(api.requests.map(({ kind }) => kind)).toEqual(['list', 'watch']);
    const [list, watch] = api.requests;
    expect(Object.fromEntries(list?.query ?? [])).toEqual({
      labelSelector: 'kubernetes.io/service-name=greeter',
    });
    expect(Object.fromEntries(watch?.query ?? [])).toMatchObject({
      labelSelector: 'kubernetes.io/service-name=greeter',
      allowWatchBookmarks: 'true',
      resourceVersion: '101',
    });
    const life = Number(watch?.query.get('timeoutSeconds'));
    expect(life).toBeGreaterThanOrEqual(240);
    expect(life).toBeLessThanOrEqual(300);
  });

  it('is confirmed by lists, events and bookmarks, which change nothing', async () => {
    api.put(slice('a', []));
    const { seen, sees } = watched();
    await sees('a');
    await eventually(() => api.watches.size === 1);
    expect(seen.fresh).toBe(1);
    api.bookmark();
    await eventually(() => seen.fresh === 2);
    api.put(slice('b', []));
    await eventually(() => seen.fresh === 3);
    expect(seen.slices).toHaveLength(2);
    // The next watch begins where the bookmark was.
    api.bookmark();
    await eventually(() => seen.fresh === 4);
    api.endWatches();
    await eventually(() => api.requests.length === 3);
    expect(api.requests[2]?.query.get('resourceVersion')).toBe(`${api.state.version}`);
  });

  it('reads events whatever pieces they come in', async () => {
    const { seen, sees } = watched();
    await sees();
    await eventually(() => api.watches.size === 1);
    const slices = [slice('a', [{ addresses: ['10.0.0.1'], zone: 'Zürich-Ⅱ-🦊' }]), slice('b', [])];
    const lines = Buffer.from(
      slices.map((object) => `${JSON.stringify({ type: 'ADDED', object })}\n`).join(''),
    );
    const fox = lines.indexOf('🦊') + 2;
    for (const [from, to] of [
      [0, 1],
      [1, 40],
      [40, fox],
      [fox, lines.length - 30],
      [lines.length - 30, lines.length],
    ]) {
      api.sendRaw(lines.subarray(from, to));
      await delay(15);
    }
    await sees('a', 'b');
    expect(seen.last[0]?.endpoints?.[0]?.zone).toBe('Zürich-Ⅱ-🦊');
  });

  it('tells once what came together', async () => {
    const { seen, sees } = watched();
    await sees();
    await eventually(() => api.watches.size === 1);
    const line = (name: string) => `${JSON.stringify({ type: 'ADDED', object: slice(name, []) })}\n`;
    api.sendRaw(line('a') + line('b') + line('c'));
    await sees('a', 'b', 'c');
    expect(seen.slices).toEqual([[], ['a', 'b', 'c']]);
  });

  it('lists again when a watch sends nonsense', async () => {
    const { sees, lines } = watched();
    await sees();
    await eventually(() => api.watches.size === 1);
    api.sendRaw('<html>\n');
    await eventually(() => api.lists() === 2);
    expect(lines[0]).toMatch(/^warn .*cannot be watched: .*the watch sent what is no event: <html>/);
  });
});

describe('watches that end', () => {
  it('misses nothing when watches are cut all the time, and lists only once', async () => {
    const { sees, seen, lines } = watched();
    await sees();
    const names: string[] = [];
    for (let round = 0; round < 20; round += 1) {
      await eventually(() => api.watches.size === 1);
      names.push(`s${String(round).padStart(2, '0')}`);
      api.put(slice(names.at(-1) ?? '', []));
      // Before or after it has arrived.
      await delay(round % 4);
      api.cut();
    }
    await sees(...names);
    expect(seen.slices.every((now, index) => now.length >= (seen.slices[index - 1]?.length ?? 0))).toBe(true);
    expect(api.lists()).toBe(1);
    expect(lines).toEqual([]);
  });
});

describe('versions that are gone', () => {
  it('lists again when a watch is refused, quietly', async () => {
    api.put(slice('a', []));
    const { sees, lines } = watched();
    await sees('a');
    await eventually(() => api.watches.size === 1);
    // While nobody watches: a is gone, and the event of that too.
    await api.stop();
    api.remove('a');
    api.put(slice('b', []));
    api.expire();
    await api.start();
    await sees('b');
    await eventually(() => api.watches.size === 1);
    expect(lines.filter((line) => line.includes('410'))).toEqual([]);
  });
});

describe('an API that is away', () => {
  it('keeps the list, says so once, and has the list of then when it is back', async () => {
    api.put(slice('a', []), slice('b', []));
    const { seen, sees, lines } = watched();
    await sees('a', 'b');
    await api.stop();
    await delay(500);
    // Changed while it was away, as if the Service had been made anew.
    api.remove('a');
    api.remove('b');
    api.put(slice('c', []));
    expect(seen.slices).toEqual([['a', 'b']]);
    expect(seen.failures).toEqual([]);
    await api.start();
    await sees('c');
    await eventually(() => lines.length === 2);
    expect(lines).toEqual([
      expect.stringMatching(
        /^warn EndpointSlices of greeter.shop cannot be watched: Kubernetes API http:.*ECONNREFUSED.*Keeping the endpoints/,
      ),
      expect.stringMatching(/^info EndpointSlices of greeter.shop can be watched again after \d+\.\d s$/),
    ]);
  });

  it('says why there is no list, when the reason changes too, until there is one', async () => {
    await api.stop();
    const { seen, sees, lines } = watched();
    await eventually(() => seen.failures.length >= 3);
    expect(seen.failures[0]).toMatch(/^Kubernetes API http:\/\/127.0.0.1:\d+: connect ECONNREFUSED/);
    api.state.list = { status: 403, message: 'endpointslices is forbidden' };
    await api.start();
    await eventually(() => seen.failures.some((failure) => failure.includes('forbidden')));
    expect(seen.failures.at(-1)).toBe(
      '403 endpointslices is forbidden. Needed are the verbs get, list and watch on ' +
        'endpointslices.discovery.k8s.io in namespace shop: see manifests/rbac.yaml of grpc-kit',
    );
    api.state.list = { status: 404, message: 'page not found' };
    await eventually(() => seen.failures.at(-1)?.includes('Kubernetes 1.21') === true);
    api.state.list = undefined;
    await sees();
    await eventually(() => lines.length === 2);
    expect(lines[0]).toMatch(/^warn EndpointSlices of greeter.shop cannot be read: .*ECONNREFUSED/);
  });

  it('flaps: each outage is said once, and the list is right afterwards', async () => {
    const { seen, sees, lines } = watched();
    await sees();
    for (let round = 0; round < 5; round += 1) {
      await api.stop();
      api.put(slice(`s${round}`, []));
      await delay(30);
      await api.start();
      await eventually(() => seen.slices.at(-1)?.length === round + 1);
    }
    await eventually(() => lines.at(-1)?.startsWith('info') === true);
    const kinds = lines.map((line) => line.slice(0, 4));
    expect(kinds.every((kind, index) => kind === (index % 2 === 0 ? 'warn' : 'info'))).toBe(true);
    expect(kinds.length).toBeLessThanOrEqual(10);
  });

  it('gives up what does not connect', async () => {
    // Accepts, and never says anything of TLS.
    const server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const { seen, release } = watched(
      { cluster: { server: `https://127.0.0.1:${port}` } },
      { connectMs: 100 },
    );
    await eventually(() => seen.failures.length > 0);
    expect(seen.failures[0]).toMatch(/no connection within 100 ms/);
    release();
    server.close();
  });

  it('has what a watch brought before it failed, though there is no list', async () => {
    const { sees } = watched();
    await sees();
    await eventually(() => api.watches.size === 1);
    api.state.list = { status: 500, message: 'no' };
    const failure = { type: 'ERROR', object: { code: 500, message: 'no' } };
    api.sendRaw(`${JSON.stringify({ type: 'ADDED', object: slice('a', []) })}\n${JSON.stringify(failure)}\n`);
    await sees('a');
  });

  it('closes a watch that failed, though the API does not', async () => {
    const { sees } = watched();
    await sees();
    await eventually(() => api.watches.size === 1);
    const [first] = api.watches;
    api.sendRaw(`${JSON.stringify({ type: 'ERROR', object: { code: 410, message: 'too old' } })}\n`);
    await eventually(() => api.lists() === 2 && api.watches.size === 1);
    expect(api.watches.has(first as never)).toBe(false);
  });

  it('has TCP see whether the other side is still there', async () => {
    const keepAlive = vi.spyOn(Socket.prototype, 'setKeepAlive');
    api.state.list = 'hang';
    watched();
    await eventually(() => api.requests.length === 1);
    expect(keepAlive).toHaveBeenCalledWith(true, 10_000);
    keepAlive.mockRestore();
  });

  it('says of a name with several addresses what the first one did', async () => {
    await api.stop();
    const found = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
    const lookup = vi.spyOn(dns, 'lookup').mockImplementation(((...asked: unknown[]) => {
      (asked.at(-1) as (error: null, found: unknown) => void)(null, found);
    }) as never);
    const { seen } = watched({ cluster: { server: api.url.replace('127.0.0.1', 'api.example') } });
    await eventually(() => seen.failures.length > 0);
    expect(seen.failures[0]).toMatch(/api.example:\d+: connect ECONNREFUSED 127.0.0.1:/);
    lookup.mockRestore();
  });

  it('tries a connection that breaks once more, and no more than that', async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.on('data', () => socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { seen, release } = watched({ cluster: { server: `http://127.0.0.1:${port}` } });
    await eventually(() => seen.failures.length === 1);
    expect(connections).toBe(2);
    release();
    server.close();
  });
});

describe('credentials', () => {
  it('reads the token for each request: rotated, expired and renewed', async () => {
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, 'first');
    api.state.token = 'first';
    const { seen, sees, lines } = watched({ user: { tokenFile } });
    await sees();
    await eventually(() => api.watches.size === 1);
    // In time.
    await writeFile(tokenFile, 'second');
    api.state.token = 'second';
    api.cut();
    await eventually(() => api.requests.at(-1)?.token === 'second' && api.watches.size === 1);
    expect(lines).toEqual([]);
    // Too late.
    api.state.token = 'third';
    api.put(slice('a', []));
    await sees('a');
    api.cut();
    await eventually(() => lines.length === 1);
    expect(lines[0]).toMatch(/does not accept the credentials: 401 Unauthorized/);
    await writeFile(tokenFile, 'third');
    api.put(slice('b', []));
    await sees('a', 'b');
    await eventually(() => lines.length === 2);
    expect(seen.failures).toEqual([]);
  });

  it('reads the kubeconfig again after a failure', async () => {
    api.state.token = 'new';
    const path = join(folder, `kubeconfig-${new URL(api.url).port}`);
    const { seen, sees } = watched({ user: { token: 'old' } });
    await eventually(() => seen.failures.some((failure) => failure.includes('401')));
    await rm(path);
    await eventually(() =>
      seen.failures.some((failure) => /^not in a pod .* and no kubeconfig at/.test(failure)),
    );
    expect(api.kubeconfig(folder, { user: { token: 'new' } })).toBe(path);
    await sees();
  });

  it('checks the certificate of the API', async () => {
    await using secure = await fakeApi({ tls: await apiServerCertificate('127.0.0.1') });
    const { seen, release } = watched({ cluster: { server: secure.url } });
    await eventually(() => seen.failures.length > 0);
    expect(seen.failures[0]).toMatch(/unable to verify|self-signed/);
    release();
  });

  it('trusts the CA that it is given, over one connection', async () => {
    const { ca, cert, key } = await apiServerCertificate('127.0.0.1');
    await using secure = await fakeApi({ tls: { cert, key } });
    secure.put(slice('a', []));
    const data = Buffer.from(ca).toString('base64');
    const { sees, release } = watched({
      cluster: { server: secure.url, 'certificate-authority-data': data },
    });
    await sees('a');
    await eventually(() => secure.watches.size === 1);
    secure.put(slice('b', []));
    await sees('a', 'b');
    expect(secure.sockets.size).toBe(1);
    release();
    await eventually(() => secure.sockets.size === 0);
  });
});

describe('sharing and leaving', () => {
  it('has one watch for all, and each hears what is known when it joins', async () => {
    api.put(slice('a', []));
    const first = watched();
    await first.sees('a');
    const second = watched();
    expect(second.seen.slices).toEqual([['a']]);
    api.put(slice('b', []));
    await first.sees('a', 'b');
    await second.sees('a', 'b');
    expect(api.requests.map(({ kind }) => kind)).toEqual(['list', 'watch']);
    first.release();
    api.put(slice('c', []));
    await second.sees('a', 'b', 'c');
    expect(first.seen.slices.at(-1)).toEqual(['a', 'b']);
    second.release();
    await eventually(() => api.sockets.size === 0);
    const third = watched();
    await third.sees('a', 'b', 'c');
    // Again, which must not be about the one that is there now.
    second.release();
    await watched().sees('a', 'b', 'c');
    expect(api.lists()).toBe(2);
  });

  it('tells who joins that it fails', async () => {
    await api.stop();
    const first = watched();
    await eventually(() => first.seen.failures.length > 0);
    expect(watched().seen.failures).toHaveLength(1);
  });

  it('asks for nothing more when it is left while it reads the token', async () => {
    const tokenFile = join(folder, 'pipe');
    execFileSync('mkfifo', [tokenFile]);
    const { release } = watched({ user: { tokenFile } });
    await delay(100);
    release();
    await writeFile(tokenFile, 'token');
    await delay(100);
    expect(api.requests).toEqual([]);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['while it watches', () => eventually(() => api.watches.size === 1)],
    ['while it lists', () => eventually(() => api.requests.length === 1)],
    ['before it began', async () => {}],
    [
      'while it waits for the API',
      async () => {
        await api.stop();
        await delay(50);
      },
    ],
  ])('leaves no socket, timer or request %s', async (name, ready) => {
    if (name === 'while it lists') api.state.list = 'hang';
    const before = process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
    const { seen, release } = watched();
    await ready();
    release();
    const { length } = seen.slices;
    const asked = api.requests.length;
    await eventually(() => api.sockets.size === 0);
    await delay(200);
    expect(seen.slices).toHaveLength(length);
    expect(api.requests).toHaveLength(asked);
    const after = process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
    expect(after).toBeLessThanOrEqual(before);
  });
});
