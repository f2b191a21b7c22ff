// The embedded API server over HTTPS: who may ask, what is refused and how, and what watches are told.
import { connect as tlsConnect } from 'node:tls';
import fc from 'fast-check';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ApiServer, startApiServer } from '../../../scripts/cluster/embedded/api/server.ts';
import { makeCertificate } from '../../../scripts/cluster/embedded/certificate.ts';
import { createAddresses } from '../../../scripts/cluster/embedded/network/addresses.ts';
import { createStore } from '../../../scripts/cluster/embedded/store.ts';

const TOKEN = 'a-token';
const addresses = createAddresses(203);
const store = createStore({ changesKept: 200 });
const logged: string[] = [];
let server: ApiServer;
let dispatcher: Agent;
let base = '';
let ca = '';

beforeAll(async () => {
  const certificate = await makeCertificate(addresses.api);
  ca = certificate.ca;
  server = await startApiServer({
    store,
    addresses,
    tls: certificate,
    adminToken: TOKEN,
    port: 0,
    readLogs: () => Promise.reject(new Error('no logs here')),
    log: (text) => logged.push(text),
  });
  base = `https://${addresses.api}:${server.port}`;
  dispatcher = new Agent({ connect: { ca } });
  store.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
});
afterAll(async () => {
  await dispatcher.destroy();
  await server.stop();
});

type Answer = { status: number; body: { message?: string; reason?: string; [key: string]: unknown } };

async function ask(
  path: string,
  {
    method = 'GET',
    body,
    headers = {},
  }: { method?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const text = typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body);
  const response = await request(`${base}${path}`, {
    method: method as 'GET',
    dispatcher,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers },
    ...(text === undefined ? {} : { body: text }),
  });
  const said = await response.body.text();
  return { status: response.statusCode, body: said.startsWith('{') ? JSON.parse(said) : { message: said } };
}

const configMap = (name: string, labels = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels },
  data: { key: 'value' },
});
const MAPS = '/api/v1/namespaces/default/configmaps';

describe('who may ask', () => {
  it('is nobody without the token', async () => {
    for (const authorization of ['', 'Bearer ', 'Bearer another', 'Basic YTpi']) {
      const { status, body } = await ask('/api/v1/pods', { headers: { authorization } });
      expect([status, body.reason]).toEqual([401, 'Unauthorized']);
    }
  });

  it('is no web page: neither by another host name nor with an origin', async () => {
    const rebound = await ask('/version', { headers: { host: `kubernetes.default.svc:${server.port + 1}` } });
    expect(rebound.status).toBe(403);
    const page = await ask('/version', { headers: { origin: 'https://evil.example' } });
    expect(page.status).toBe(403);
    expect((await ask('/version')).status).toBe(200);
  });

  it('is a service account for what its Role says', async () => {
    const metadata = { name: 'watcher', namespace: 'default' };
    store.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
    const rules = [{ apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list'] }];
    store.create('roles', { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules });
    store.create('rolebindings', {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata,
      subjects: [{ kind: 'ServiceAccount', name: 'watcher' }],
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'watcher' },
    });
    const headers = { authorization: `Bearer ${server.tokenFor('default', 'watcher')}` };
    const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
    expect((await ask(slices, { headers })).status).toBe(200);
    for (const path of [`${slices}/x`, `${slices}?watch=1`, MAPS, slices.replace('default', 'other')]) {
      expect((await ask(path, { headers })).status, path).toBe(403);
    }
    expect((await ask(MAPS, { headers })).body.message).toBe(
      'configmaps is forbidden: User "system:serviceaccount:default:watcher" cannot list resource "configmaps" in API group "" in the namespace "default"',
    );
  });
});

describe('refused by name', () => {
  it.each([
    [
      'GET',
      '/apis/apps/v1/namespaces/default/statefulsets',
      undefined,
      404,
      'does not serve statefulsets of apps/v1',
    ],
    ['GET', '/apis/batch/v1/jobs', undefined, 404, 'does not serve jobs of batch/v1'],
    ['GET', `${MAPS}/no-such`, undefined, 404, 'configmaps "no-such" not found'],
    ['GET', `${MAPS}?labelSelector=a%3D%3D%3Db`, undefined, 400, 'unable to parse requirement'],
    ['GET', `${MAPS}?fieldSelector=data.key%3Dx`, undefined, 400, 'field label not supported'],
    ['POST', MAPS, '{', 400, 'must be of type JSON'],
    ['POST', MAPS, '[]', 400, 'not an object'],
    ['POST', MAPS, { ...configMap('x'), kind: 'Secret' }, 400, 'cannot be handled as a ConfigMap'],
    ['POST', MAPS, { ...configMap('x'), more: 1 }, 400, 'unknown field "more"'],
    ['POST', MAPS, configMap('No_Name'), 422, 'metadata.name: Invalid value'],
    ['POST', MAPS.replace('default', 'nowhere'), configMap('x'), 404, 'namespaces "nowhere" not found'],
    ['PUT', MAPS, configMap('x'), 405, 'does not allow this method'],
    ['PATCH', `${MAPS}/no-such`, {}, 404, 'not found'],
  ])('%s %s', async (method, path, body, status, message) => {
    const answer = await ask(path, { method, body });
    expect(answer.body.message).toContain(message);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ kind: 'Status', status: 'Failure', code: status });
  });

  it('a body that is too large, or no JSON by its type', async () => {
    const huge = await ask(MAPS, {
      method: 'POST',
      body: { ...configMap('x'), data: { key: 'x'.repeat(4e6) } },
    });
    expect([huge.status, huge.body.reason]).toEqual([413, 'RequestEntityTooLarge']);
    const proto = await ask(MAPS, {
      method: 'POST',
      body: 'k8s',
      headers: { 'content-type': 'application/vnd.kubernetes.protobuf' },
    });
    expect(proto.status).toBe(415);
  });

  it('what was changed meanwhile', async () => {
    const created = await ask(MAPS, { method: 'POST', body: configMap('versions') });
    expect(created.status).toBe(201);
    const again = await ask(MAPS, { method: 'POST', body: configMap('versions') });
    expect([again.status, again.body.reason]).toEqual([409, 'AlreadyExists']);
    const changed = { ...created.body, data: { key: 'other' } };
    expect((await ask(`${MAPS}/versions`, { method: 'PUT', body: changed })).status).toBe(200);
    const late = await ask(`${MAPS}/versions`, { method: 'PUT', body: changed });
    expect([late.status, late.body.reason]).toEqual([409, 'Conflict']);
  });

  it('anything else with a 4xx, never a crash', async () => {
    const segment = fc.constantFrom(
      'api',
      'apis',
      'v1',
      'apps',
      'namespaces',
      'default',
      'pods',
      'deployments',
      'x',
      'status',
      'proxy',
      'log',
      'scale',
      '%',
      '..',
      '%00',
      'configmaps',
    );
    const types = [
      'application/json',
      'application/merge-patch+json',
      'application/json-patch+json',
      'application/strategic-merge-patch+json',
      'application/apply-patch+yaml',
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.array(segment, { maxLength: 7 }),
        fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE'),
        fc.constantFrom(...types),
        fc.oneof(fc.json(), fc.string(), fc.constant(JSON.stringify(configMap('fuzz')))),
        fc.webQueryParameters(),
        async (path, method, type, body, query) => {
          const target = `/${path.join('/')}?${query}`;
          const answer = await ask(target, {
            method,
            body: method === 'GET' ? undefined : body,
            headers: { 'content-type': type },
          });
          expect(answer.status, `${method} ${target}`).toBeLessThan(500);
        },
      ),
      { numRuns: 300 },
    );
    expect(logged).toEqual([]);
  });
});

describe('a watch', () => {
  const collect = async (path: string, count: number, change: () => unknown) => {
    const response = await request(`${base}${path}`, {
      dispatcher,
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    const events: { type: string; object: { metadata?: { name?: string }; code?: number } }[] = [];
    change();
    let rest = '';
    for await (const chunk of response.body) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      events.push(...lines.map((line) => JSON.parse(line)));
      if (events.length >= count) break;
    }
    return events.map(({ type, object }) => `${type} ${object.metadata?.name ?? object.code}`);
  };
  const create = (name: string, labels = {}) =>
    store.create('configmaps', { ...configMap(name), metadata: { name, namespace: 'default', labels } });

  it('tells what is there, then every change, in order', async () => {
    const path = '/api/v1/namespaces/default/configmaps?watch=1&labelSelector=w%3D1';
    create('w-first', { w: '1' });
    const events = await collect(path, 4, () => {
      create('w-second', { w: '1' });
      create('w-other', { w: '2' });
      store.update('configmaps', 'default', 'w-first', (map) => ({ ...map, data: { key: 'new' } }));
      store.remove('configmaps', 'default', 'w-second');
    });
    expect(events).toEqual(['ADDED w-first', 'ADDED w-second', 'MODIFIED w-first', 'DELETED w-second']);
  });

  it('tells of an object that comes to match, or no longer does, as of one that comes or goes', async () => {
    create('w-label', { x: '2' });
    const path = `/api/v1/namespaces/default/configmaps?watch=1&labelSelector=x%3D1&resourceVersion=${store.version()}`;
    const relabel = (x: string) =>
      store.update('configmaps', 'default', 'w-label', (map) => ({
        ...map,
        metadata: { ...map.metadata, labels: { x } },
      }));
    const events = await collect(path, 2, () => {
      relabel('1');
      relabel('3');
    });
    expect(events).toEqual(['ADDED w-label', 'DELETED w-label']);
  });

  it('goes on from a version, and says 410 when that one is forgotten', async () => {
    const from = store.version();
    create('w-later');
    const path = `/api/v1/configmaps?watch=1&resourceVersion=${from}`;
    expect(await collect(path, 1, () => {})).toEqual(['ADDED w-later']);
    store.compact();
    expect(await collect(path, 1, () => {})).toEqual(['ERROR 410']);
  });

  it('marks where the first events end, and where it is, for those who ask', async () => {
    const path =
      '/api/v1/namespaces/none/configmaps?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    expect(await collect(path, 1, () => {})).toEqual(['BOOKMARK undefined']);
  });

  it('drops a reader that does not read, and does not keep what it misses', async () => {
    const socket = tlsConnect({ host: addresses.api, port: server.port, ca });
    socket.on('error', () => {});
    await new Promise<void>((resolve) => socket.once('secureConnect', resolve));
    socket.pause();
    socket.write(
      `GET /api/v1/configmaps?watch=1 HTTP/1.1\r\nhost: ${addresses.api}:${server.port}\r\nauthorization: Bearer ${TOKEN}\r\n\r\n`,
    );
    const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
    create('w-big');
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    for (let round = 0; round < 400; round += 1) {
      store.update('configmaps', 'default', 'w-big', (map) => ({
        ...map,
        data: { key: `${round}`.padEnd(100_000, 'x') },
      }));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await vi
      .waitFor(() => expect(socket.destroyed || socket.readableEnded).toBe(true), 10_000)
      .catch(() => {});
    socket.resume();
    await closed;
    store.remove('configmaps', 'default', 'w-big');
    expect(process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - before).toBeLessThan(80e6);
  });
});
