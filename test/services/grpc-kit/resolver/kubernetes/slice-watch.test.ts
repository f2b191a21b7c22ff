// The watch against an API that fails in all ways.

import { execFileSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeCertificate } from '../../../../../scripts/cluster/embedded/certificate.ts';
import type { EndpointSlice } from '../../../../../services/grpc-kit/src/resolver/kubernetes/endpoints.ts';
import {
  type SliceWatchTimes,
  watchSlices,
} from '../../../../../services/grpc-kit/src/resolver/kubernetes/slice-watch.ts';
import { eventually } from '../../../../support/eventually.ts';
import { tempDir } from '../../../../support/temp-dir.ts';
import { type FakeApi, fakeApi, NAMESPACE, slice } from '../fake-api.ts';
import { recorder } from '../recorder.ts';

const times: SliceWatchTimes = {
  connectMs: 1000,
  answerMs: 1000,
  backoff: { firstMs: 10, maxMs: 80 },
  cutBackoff: { firstMs: 10, maxMs: 40 },
  settledMs: 150,
  watchS: { min: 240, max: 300 },
  graceMs: 15_000,
  askedMs: 100,
};

let temp: Awaited<ReturnType<typeof tempDir>>;
let api: FakeApi;
let releases: (() => void)[];
beforeEach(async () => {
  temp = await tempDir();
  api = await fakeApi();
  releases = [];
});
afterEach(async () => {
  for (const release of releases) release();
  await api[Symbol.asyncDispose]();
  await temp[Symbol.asyncDispose]();
});

function watched(options: Parameters<FakeApi['kubeconfig']>[1] = {}, more: Partial<SliceWatchTimes> = {}) {
  const seen = {
    slices: [] as string[][],
    service: '',
    failures: [] as string[],
    fresh: 0,
    last: [] as EndpointSlice[],
  };
  const { logger, lines } = recorder();
  const listener = {
    loggers: () => [logger],
    onSlices: (slices: Iterable<EndpointSlice>, service: string) => {
      seen.last = [...slices];
      seen.slices.push(seen.last.map(({ metadata }) => metadata?.name ?? '').sort());
      seen.service = service;
    },
    onFresh: () => {
      seen.fresh += 1;
    },
    onFailure: (reason: string) => void seen.failures.push(reason),
  };
  const kubeconfig = api.kubeconfig(temp.path, options);
  const question = { service: 'greeter', namespace: undefined, options: { kubeconfig } };
  const { release, retrySoon } = watchSlices(question, listener, { ...times, ...more });
  releases.push(release);
  const sees = (...names: string[]) =>
    eventually(
      () => JSON.stringify(seen.slices.at(-1)) === JSON.stringify(names),
      () => [seen, lines],
    );
  return { seen, lines, release, retrySoon, sees };
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
  it('goes on from where the last one was, at once when it was of use', async () => {
    const { sees } = watched({}, { cutBackoff: { firstMs: 5000, maxMs: 5000 } });
    await sees();
    await eventually(() => api.watches.size === 1);
    api.put(slice('a', []));
    await sees('a');
    const atMs = performance.now();
    api.endWatches();
    await eventually(() => api.requests.length === 3);
    expect((api.requests[2]?.atMs ?? 0) - atMs).toBeLessThan(40);
    expect(api.requests.map(({ kind }) => kind)).toEqual(['list', 'watch', 'watch']);
    expect(api.requests[2]?.query.get('resourceVersion')).toBe('101');
    // One connection was enough.
    expect(api.sockets.size).toBe(1);
  });

  it('misses nothing when watches are cut all the time, and lists only once', async () => {
    const { sees, seen, lines } = watched();
    await sees();
    const names: string[] = [];
    for (let round = 0; round < 20; round += 1) {
      names.push(`s${String(round).padStart(2, '0')}`);
      api.put(slice(names.at(-1) ?? '', []));
      api.cut();
      await delay(20);
    }
    await sees(...names);
    expect(seen.slices.every((now, index) => now.length >= (seen.slices[index - 1]?.length ?? 0))).toBe(true);
    expect(api.lists()).toBe(1);
    expect(lines).toEqual([]);
  });

  it('does not hammer when each is cut at once, and still sees what changed', async () => {
    const { sees } = watched();
    await sees();
    const timer = setInterval(() => api.cut(), 5);
    await delay(1000);
    const watches = api.requests.filter(({ kind }) => kind === 'watch').length;
    api.put(slice('a', []));
    clearInterval(timer);
    await sees('a');
    // 40 ms is the most that it waits, 20 of them at least.
    expect(watches).toBeLessThan(60);
    expect(watches).toBeGreaterThan(15);
  });

  it('is as patient as at first once a watch was good', async () => {
    const { sees } = watched({}, { cutBackoff: { firstMs: 20, maxMs: 5000 } });
    await sees();
    const timer = setInterval(() => api.cut(), 5);
    await delay(600);
    clearInterval(timer);
    await eventually(() => api.watches.size === 1);
    await delay(times.settledMs + 50);
    const { length } = api.requests;
    // The first is for free.
    api.cut();
    await eventually(() => api.requests.length === length + 1 && api.watches.size === 1);
    const atMs = performance.now();
    api.cut();
    await eventually(() => api.requests.length === length + 2);
    expect(performance.now() - atMs).toBeLessThan(150);
  });

  it('is not made to hurry by channels that lose connections', async () => {
    const { sees, retrySoon } = watched({}, { cutBackoff: { firstMs: 1000, maxMs: 1000 } });
    await sees();
    await eventually(() => api.watches.size === 1);
    await api.stop();
    await delay(50);
    await api.start();
    await eventually(() => api.watches.size === 1);
    const { length } = api.requests;
    // Before it was good.
    api.cut();
    await delay(250);
    retrySoon();
    await delay(100);
    expect(api.requests).toHaveLength(length);
  });

  it('renews a watch that the API does not end', async () => {
    const { sees } = watched({}, { watchS: { min: 0, max: 0 }, graceMs: 200 });
    await sees();
    await eventually(() => api.requests.length >= 4);
    expect(api.requests.filter(({ kind }) => kind === 'watch').length).toBeGreaterThanOrEqual(3);
    expect(api.lists()).toBe(1);
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

  it.each([
    ['as a status', { status: 410, message: 'too old' }],
    ['as an event', { errorEvent: { code: 410, message: 'too old' } }],
  ])('%s: lists at once the first time, then backs off, and says so once', async (_, answer) => {
    api.put(slice('a', []));
    api.state.watch = answer;
    const { sees, lines } = watched();
    await sees('a');
    await delay(800);
    // Back-off of 40 to 80 ms; without it there would be hundreds.
    expect(api.lists()).toBeGreaterThan(5);
    expect(api.lists()).toBeLessThan(25);
    expect(lines).toEqual([
      expect.stringMatching(/^warn .*cannot be watched: .*refused right after a list.*too old/),
    ]);
    api.put(slice('b', []));
    await sees('a', 'b');
    api.state.watch = undefined;
    await eventually(() => lines.length === 2);
    expect(lines[1]).toMatch(/^info EndpointSlices of greeter.shop can be watched again after \d+\.\d s$/);
  });

  it('is a first time again once a watch was good', async () => {
    const { sees, lines } = watched();
    await sees();
    for (let round = 1; round <= 3; round += 1) {
      await eventually(() => api.watches.size === 1);
      await delay(times.settledMs + 50);
      api.expire();
      api.endWatches();
      await eventually(() => api.lists() === 1 + round);
    }
    await delay(50);
    expect(lines).toEqual([]);
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
      expect.stringMatching(/^info EndpointSlices of greeter.shop can be watched again after 0\.[5-9] s$/),
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

  it('backs off, and is in no hurry to be the first again', async () => {
    await api.stop();
    const { seen } = watched({}, { backoff: { firstMs: 20, maxMs: 10_000 } });
    await delay(1000);
    // 20 + 40 + 80 + 160 + 320 + 640, each from half of it.
    expect(seen.failures.length).toBeGreaterThanOrEqual(5);
    expect(seen.failures.length).toBeLessThanOrEqual(8);
  });

  it('backs off from the beginning again after it was good', async () => {
    const { sees } = watched({}, { backoff: { firstMs: 20, maxMs: 10_000 } });
    await sees();
    await api.stop();
    await delay(1300);
    await api.start();
    await eventually(() => api.watches.size === 1);
    await delay(times.settledMs + 50);
    await api.stop();
    await delay(30);
    api.put(slice('a', []));
    await api.start();
    const atMs = performance.now();
    await sees('a');
    expect(performance.now() - atMs).toBeLessThan(400);
  });

  it('tries sooner when it is asked, once the last attempt is a while ago', async () => {
    await api.stop();
    const { seen, retrySoon } = watched({}, { backoff: { firstMs: 20_000, maxMs: 20_000 } });
    await eventually(() => seen.failures.length === 1);
    const atMs = performance.now();
    retrySoon();
    retrySoon();
    await eventually(() => seen.failures.length === 2);
    expect(performance.now() - atMs).toBeGreaterThan(60);
    expect(performance.now() - atMs).toBeLessThan(1000);
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

  it.each(['list', 'watch'] as const)('gives a silent %s up', async (kind) => {
    api.state[kind] = 'hang';
    const { seen, sees, lines } = watched({}, { answerMs: 100 });
    await eventually(() => lines.length === 1);
    expect(lines[0]).toMatch(/no answer within 100 ms/);
    api.state[kind] = undefined;
    api.put(slice('a', []));
    await sees('a');
    expect(seen.slices.at(-1)).toEqual(['a']);
  });

  it('gives a list up that does not end, and an error that does not', async () => {
    const http = await import('node:http');
    const halves: number[] = [200, 403];
    let asked = 0;
    const server = http.createServer((_request, response) => {
      response.writeHead(halves[asked % 2] ?? 200);
      asked += 1;
      response.write('{"half":');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const { seen, release } = watched({ cluster: { server: `http://127.0.0.1:${port}` } }, { answerMs: 100 });
    await eventually(() => seen.failures.length >= 2);
    expect(seen.failures[0]).toMatch(/the answer was not complete within 100 ms/);
    expect(seen.failures[1]).toMatch(/^403 /);
    release();
    server.closeAllConnections();
    server.close();
  });

  it('gives up what does not connect', async () => {
    const net = await import('node:net');
    // Accepts, and never says anything of TLS.
    const server = net.createServer(() => {});
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

  it('does as it is told by Retry-After, within reason', async () => {
    api.state.list = { status: 429, message: 'too many requests', headers: { 'retry-after': '1' } };
    const { seen, retrySoon } = watched({}, { backoff: { firstMs: 10, maxMs: 300 } });
    await eventually(() => seen.failures.length === 1);
    // Not even then.
    retrySoon();
    await delay(250);
    expect(seen.failures).toEqual(['429 too many requests']);
    await eventually(() => seen.failures.length === 2);
    const waitedMs = (api.requests[1]?.atMs ?? 0) - (api.requests[0]?.atMs ?? 0);
    expect(waitedMs).toBeGreaterThan(290);
    expect(waitedMs).toBeLessThan(800);
  });

  it('watches in vain where only lists are allowed, and says so', async () => {
    api.put(slice('a', []));
    api.state.watch = { status: 403, message: 'watch is forbidden' };
    const { sees, lines } = watched();
    await sees('a');
    await delay(300);
    expect(lines).toEqual([expect.stringMatching(/^warn .*watch is forbidden.*see manifests\/rbac.yaml/)]);
    expect(api.lists()).toBeLessThan(20);
  });

  it('takes other errors of a watch as failures', async () => {
    api.state.watch = { errorEvent: { code: 500, message: 'etcd is unhappy' } };
    const { sees, lines } = watched();
    await sees();
    await delay(300);
    expect(lines).toEqual([expect.stringMatching(/etcd is unhappy/)]);
    expect(api.lists()).toBeLessThan(20);
    expect(api.lists()).toBeGreaterThan(2);
    // Each on a connection of its own, and those before are closed.
    expect(api.sockets.size).toBeLessThanOrEqual(1);
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
    const { seen } = watched({ cluster: { server: api.url.replace('127.0.0.1', 'localhost') } });
    await eventually(() => seen.failures.length > 0);
    expect(seen.failures[0]).toMatch(/: connect ECONNREFUSED/);
  });
});

describe('credentials', () => {
  it('reads the token for each request: rotated, expired and renewed', async () => {
    const tokenFile = join(temp.path, 'token');
    await writeFile(tokenFile, 'first');
    api.state.token = 'first';
    const { seen, sees, lines } = watched({ user: { tokenFile } });
    await sees();
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
    const path = join(temp.path, `kubeconfig-${new URL(api.url).port}`);
    const { seen, sees } = watched({ user: { token: 'old' } });
    await eventually(() => seen.failures.some((failure) => failure.includes('401')));
    await rm(path);
    await eventually(() =>
      seen.failures.some((failure) => /^not in a pod .* and no kubeconfig at/.test(failure)),
    );
    expect(api.kubeconfig(temp.path, { user: { token: 'new' } })).toBe(path);
    await sees();
  });

  it('checks the certificate of the API', async () => {
    await using secure = await fakeApi({ tls: await makeCertificate('127.0.0.1') });
    const { seen, release } = watched({ cluster: { server: secure.url } });
    await eventually(() => seen.failures.length > 0);
    expect(seen.failures[0]).toMatch(/unable to verify|self-signed/);
    release();
  });

  it('trusts the CA that it is given, over one connection', async () => {
    const { ca, cert, key } = await makeCertificate('127.0.0.1');
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
    const tokenFile = join(temp.path, 'pipe');
    execFileSync('mkfifo', [tokenFile]);
    const { release } = watched({ user: { tokenFile } });
    await delay(100);
    release();
    await writeFile(tokenFile, 'token');
    await delay(100);
    expect(api.requests).toEqual([]);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['while it waits', () => eventually(() => vi.getTimerCount() === 1)],
    ['while it lists', () => eventually(() => api.requests.length === 1)],
    ['while it watches', () => eventually(() => api.watches.size === 1)],
  ])('leaves no timer %s', async (name, ready) => {
    if (name === 'while it waits') await api.stop();
    if (name === 'while it lists') api.state.list = 'hang';
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { release } = watched({}, { backoff: { firstMs: 60_000, maxMs: 60_000 } });
      await ready();
      await delay(50);
      expect(vi.getTimerCount()).toBeGreaterThan(0);
      release();
      await delay(50);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
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
