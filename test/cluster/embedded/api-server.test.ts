// The embedded API server over HTTPS: who may ask, what is refused and how, and what watches are told.
import { createServer } from 'node:http';
import { connect as http2Connect } from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as tlsConnect } from 'node:tls';
import fc from 'fast-check';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ApiServer, startApiServer } from '../../../scripts/cluster/embedded/api/server.ts';
import { apiServerCertificate } from '../../../scripts/cluster/embedded/certificate.ts';
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
  const certificate = await apiServerCertificate(addresses.api);
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
const podWith = (source: object) => ({
  containers: [{ name: 'main', image: 'a:1' }],
  volumes: [{ name: 'v', projected: { sources: [source] } }],
});

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

describe('subjects of a binding', () => {
  const bind = (name: string, subjects: object[]) =>
    ask('/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', {
      method: 'POST',
      body: {
        metadata: { name },
        subjects,
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reads' },
      },
    });
  const reads = (namespace: string, account: string, path = MAPS) =>
    ask(path, { headers: { authorization: `Bearer ${server.tokenFor(namespace, account)}` } });
  const account = (namespace: string, name: string) =>
    store.create('serviceaccounts', {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name, namespace },
    });

  it.each([
    ['Group', 'system:serviceaccounts', 200],
    ['Group', 'system:serviceaccounts:elsewhere', 200],
    ['Group', 'system:serviceaccounts:default', 403],
    ['Group', 'system:authenticated', 200],
    ['User', 'system:serviceaccount:elsewhere:someone', 200],
    ['User', 'system:serviceaccount:default:someone', 403],
  ])('%s %s', async (kind, name, status) => {
    if (!store.get('serviceaccounts', 'elsewhere', 'someone')) {
      account('elsewhere', 'someone');
      const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list'] }];
      const metadata = { name: 'reads', namespace: 'default' };
      store.create('roles', { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules });
    }
    expect((await bind('subjects', [{ kind, name }])).status).toBe(201);
    expect((await reads('elsewhere', 'someone')).status).toBe(status);
    expect((await reads('elsewhere', 'someone', MAPS.replace('default', 'elsewhere'))).status).toBe(403);
    store.remove('rolebindings', 'default', 'subjects');
  });

  it.each([
    ['User', 'jane'],
    ['Group', 'system:masters'],
  ])('%s %s is nobody here, and refused', async (kind, name) => {
    const { status, body } = await bind('strangers', [{ kind, name }]);
    expect(status).toBe(400);
    expect(body.message).toBe(
      `the subject ${kind} "${name}", which nobody is here, is not supported by the embedded provider`,
    );
  });
});

describe('a pod behind the API server', () => {
  const PODS = '/api/v1/namespaces/default/pods';
  const pod = createServer((request, response) => response.end(`${request.method} ${request.url}`));
  beforeAll(async () => {
    await new Promise<void>((resolve) => pod.listen(8080, '127.203.16.1', resolve));
    store.create('pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'proxy-1', namespace: 'default' },
      spec: { containers: [{ name: 'main', image: 'a:1', ports: [{ containerPort: 8080 }] }] },
      status: { podIP: '127.203.16.1' },
    });
  });
  afterAll(() => pod.close());

  it.each([
    ['proxy-1', '/proxy', '/'],
    ['proxy-1:8080', '/proxy/', '/'],
    ['proxy-1:8080', '/proxy/a%20b/proxy/c/?d=e', '/a%20b/proxy/c/?d=e'],
  ])('%s%s is asked for %s', async (name, path, asked) => {
    expect((await ask(`${PODS}/${name}${path}`)).body.message).toBe(`GET ${asked}`);
  });

  it.each(['proxy-1:control', 'proxy-1:99999', 'proxy-1:0', 'http:proxy-1:8080'])(
    '%s is no port of it',
    async (name) => {
      const { status, body } = await ask(`${PODS}/${name}/proxy/`);
      expect([status, body.reason]).toEqual([400, 'BadRequest']);
    },
  );

  it.each([
    ['GET', 'get'],
    ['HEAD', 'get'],
    ['POST', 'create'],
    ['PUT', 'update'],
    ['PATCH', 'patch'],
    ['DELETE', 'delete'],
  ])('takes for %s the right to %s', async (method, verb) => {
    const metadata = { name: 'proxies', namespace: 'default' };
    const verbs = ['get', 'create', 'update', 'patch', 'delete'];
    const allow = (allowed: string[]) => {
      for (const kind of ['roles', 'rolebindings'] as const) store.remove(kind, 'default', 'proxies');
      const rules = [{ apiGroups: [''], resources: ['pods/proxy'], verbs: allowed }];
      store.create('roles', { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules });
      store.create('rolebindings', {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata,
        subjects: [{ kind: 'ServiceAccount', name: 'proxies' }],
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'proxies' },
      });
    };
    if (!store.get('serviceaccounts', 'default', 'proxies'))
      store.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
    const headers = { authorization: `Bearer ${server.tokenFor('default', 'proxies')}` };
    const tried = async () => (await ask(`${PODS}/proxy-1:8080/proxy/`, { method, headers })).status;
    allow([verb]);
    expect(await tried()).toBe(200);
    allow(verbs.filter((other) => other !== verb));
    expect(await tried()).toBe(403);
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
    ['POST', MAPS, { ...configMap('x'), metadata: [] }, 400, 'metadata is not an object'],
    [
      'POST',
      `${MAPS}?dryRun=Some`,
      configMap('x'),
      422,
      'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"',
    ],
    ['POST', '/api/v1/nodes', { metadata: { name: 'x' } }, 400, 'creating a Node is not supported'],
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

  it.each([
    ['secrets', { type: 'kubernetes.io/service-account-token' }],
    ['pods', { spec: podWith({ serviceAccountToken: { path: 'token', audience: 'x' } }) }],
  ])('of %s what never would be', async (plural, more) => {
    const body = { metadata: { name: 'refused' }, ...more };
    const answer = await ask(`/api/v1/namespaces/default/${plural}`, { method: 'POST', body });
    expect(answer.status).toBe(400);
    expect(answer.body.message).toContain('is not supported by the embedded provider');
  });

  it('to take away a Node', async () => {
    store.create('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node' } });
    const answer = await ask('/api/v1/nodes/node', { method: 'DELETE' });
    expect([answer.status, answer.body.message]).toEqual([
      400,
      'deleting a Node is not supported by the embedded provider',
    ]);
  });

  it.each(['NoExecute', 'PreferNoSchedule'])('a taint that would have to %s', async (effect) => {
    store.create('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: effect.toLowerCase() } });
    const { status, body } = await ask(`/api/v1/nodes/${effect.toLowerCase()}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: { spec: { taints: [{ key: 'a', effect }] } },
    });
    expect(status).toBe(400);
    expect(body.message).toContain(
      `spec.taints[0].effect: "${effect}" is not supported by the embedded provider`,
    );
  });

  it('a port of a Service that takes root, whichever way it comes', async () => {
    const SERVICES = '/api/v1/namespaces/default/services';
    const service = (port: number) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'ports' },
      spec: { ports: [{ port }] },
    });
    const merge = { 'content-type': 'application/merge-patch+json' };
    const apply = { 'content-type': 'application/apply-patch+yaml' };
    expect((await ask(SERVICES, { method: 'POST', body: service(7000) })).status).toBe(201);
    const low = [
      await ask(SERVICES, { method: 'POST', body: { ...service(80), metadata: { name: 'other' } } }),
      await ask(`${SERVICES}/ports`, { method: 'PUT', body: service(80) }),
      await ask(`${SERVICES}/ports`, { method: 'PATCH', body: { spec: service(80).spec }, headers: merge }),
      await ask(`${SERVICES}/ports?fieldManager=a&force=true`, {
        method: 'PATCH',
        body: service(80),
        headers: apply,
      }),
    ];
    for (const { status, body } of low) {
      expect(status).toBe(400);
      expect(body.message).toContain('a Service port below 1024 (80)');
    }
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

describe('what the server gives', () => {
  const merge = { 'content-type': 'application/merge-patch+json' };
  const times = { deletionTimestamp: '2020-01-01T00:00:00Z', deletionGracePeriodSeconds: 5 };
  type Given = { metadata: Record<string, unknown>; spec: Record<string, unknown> };
  const given = ({ body }: Answer) => body as unknown as Given;

  it('is not taken from who creates', async () => {
    const own = { ...times, generation: 7, selfLink: '/x', uid: 'mine' };
    const body = { ...configMap('given'), metadata: { name: 'given', ...own } };
    const created = await ask(MAPS, { method: 'POST', body });
    expect(created.status).toBe(201);
    for (const key of ['deletionTimestamp', 'deletionGracePeriodSeconds', 'generation', 'selfLink'])
      expect(given(created).metadata, key).not.toHaveProperty(key);
    expect(given(created).metadata.uid).not.toBe('mine');
  });

  it('does not change with an update', async () => {
    await ask(MAPS, { method: 'POST', body: configMap('own') });
    for (const [key, value] of Object.entries(times)) {
      const patched = await ask(`${MAPS}/own`, {
        method: 'PATCH',
        headers: merge,
        body: { metadata: { [key]: value } },
      });
      expect(patched.status, key).toBe(422);
      expect(patched.body.message).toContain(
        `metadata.${key}: Invalid value: ${JSON.stringify(value)}: field is immutable`,
      );
    }
    const ignored = { generation: 3, selfLink: '/x', creationTimestamp: '2020-01-01T00:00:00Z' };
    const patched = await ask(`${MAPS}/own`, {
      method: 'PATCH',
      headers: merge,
      body: { metadata: ignored },
    });
    expect(patched.status).toBe(200);
    expect(given(patched).metadata).not.toHaveProperty('generation');
    expect(given(patched).metadata).not.toHaveProperty('selfLink');
    expect(given(patched).metadata.creationTimestamp).not.toBe(ignored.creationTimestamp);
    const uid = await ask(`${MAPS}/own`, {
      method: 'PATCH',
      headers: merge,
      body: { metadata: { uid: 'x' } },
    });
    expect(uid.status).toBe(422);
  });

  it('stays with an object that is being deleted', async () => {
    const finalizers = ['example.com/hold'];
    await ask(MAPS, {
      method: 'POST',
      body: { ...configMap('going'), metadata: { name: 'going', finalizers } },
    });
    await ask(`${MAPS}/going`, { method: 'DELETE' });
    const put = await ask(`${MAPS}/going`, {
      method: 'PUT',
      body: { ...configMap('going'), metadata: { name: 'going', finalizers } },
    });
    expect(given(put).metadata.deletionTimestamp).toMatch(/^20/);
    expect(given(put).metadata.deletionGracePeriodSeconds).toBe(0);
  });

  it('is its own: another object’s name, namespace or uid is refused', async () => {
    await ask(MAPS, { method: 'POST', body: configMap('self') });
    const put = (metadata: object, method = 'PUT') =>
      ask(`${MAPS}/self`, {
        method,
        body: { ...configMap('self'), metadata: { name: 'self', ...metadata } },
        headers: method === 'PUT' ? {} : merge,
      });
    const uid = await put({ uid: 'another' });
    expect([uid.status, uid.body.reason]).toEqual([409, 'Conflict']);
    expect(uid.body.message).toContain(
      'Precondition failed: UID in precondition: another, UID in object meta: ',
    );
    for (const method of ['PUT', 'PATCH'])
      for (const metadata of [{ namespace: 'other' }, { name: 'other' }])
        expect((await put(metadata, method)).status, `${method} ${JSON.stringify(metadata)}`).toBe(400);
  });

  it('is not begun by a part of it', async () => {
    const apply = { 'content-type': 'application/apply-patch+yaml' };
    const body = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'part' },
      status: { replicas: 1 },
    };
    const path = '/apis/apps/v1/namespaces/default/deployments/part';
    const applied = await ask(`${path}/status?fieldManager=a`, { method: 'PATCH', body, headers: apply });
    expect(applied.status).toBe(404);
    expect((await ask(path)).status).toBe(404);
  });

  it('counts no change where there is none, whatever the order of keys', async () => {
    const path = '/apis/apps/v1/namespaces/default/deployments';
    const template = {
      metadata: { labels: { app: 'a' } },
      spec: { containers: [{ name: 'main', image: 'a:1' }] },
    };
    const created = await ask(path, {
      method: 'POST',
      body: {
        metadata: { name: 'same' },
        spec: { replicas: 0, selector: { matchLabels: { app: 'a' } }, template },
      },
    });
    const reversed = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reversed);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, part]) => [key, reversed(part)]),
      );
    };
    const other = reversed(created.body) as Given;
    const put = await ask(`${path}/same`, { method: 'PUT', body: other });
    expect(put.status).toBe(200);
    expect(given(put).metadata).toMatchObject({
      generation: 1,
      resourceVersion: given(created).metadata.resourceVersion,
    });
    const labelled = { ...other, metadata: { ...other.metadata, labels: { a: 'b' } } };
    const changed = await ask(`${path}/same`, { method: 'PUT', body: labelled });
    expect(given(changed).metadata).toMatchObject({ generation: 1, labels: { a: 'b' } });
  });

  it('stays with a Service that is replaced by one without an address', async () => {
    const path = '/api/v1/namespaces/default/services';
    const body = { metadata: { name: 'kept' }, spec: { ports: [{ port: 7000 }] } };
    const created = await ask(path, { method: 'POST', body });
    const put = await ask(`${path}/kept`, { method: 'PUT', body });
    expect(put.status, put.body.message).toBe(200);
    const { clusterIP, clusterIPs, ipFamilies } = given(created).spec;
    expect(given(put).spec).toMatchObject({ clusterIP, clusterIPs, ipFamilies });
  });

  it('lets dependents stay for the older word, too', async () => {
    for (const [name, path, body] of [
      ['by-body', '', { orphanDependents: true }],
      ['by-query', '?orphanDependents=true', undefined],
    ] as const) {
      await ask(MAPS, { method: 'POST', body: configMap(name) });
      await ask(`${MAPS}/${name}${path}`, { method: 'DELETE', body });
      expect(store.get('configmaps', 'default', name)?.metadata.finalizers).toEqual(['orphan']);
    }
    const both = { orphanDependents: true, propagationPolicy: 'Background' };
    expect((await ask(`${MAPS}/by-body`, { method: 'DELETE', body: both })).status).toBe(422);
  });

  it('is an account for each pod, or no pod', async () => {
    const pod = (name: string, more: object) => ({
      metadata: { name },
      spec: { containers: [{ name: 'main', image: 'a:1' }], ...more },
    });
    const create = (body: object) => ask('/api/v1/namespaces/default/pods', { method: 'POST', body });
    const refused = await create(pod('accountless', { serviceAccountName: 'nobody' }));
    expect([refused.status, refused.body.message]).toEqual([
      403,
      'pods "accountless" is forbidden: error looking up service account default/nobody: serviceaccount "nobody" not found',
    ]);
    expect((await create(pod('with-default', {}))).status).toBe(201);
  });

  it.each([
    ['BestEffort', [{}, { requests: { 'example.com/gpu': '1' } }]],
    ['Burstable', [{ requests: { cpu: '1m' } }, {}]],
    ['Burstable', [{ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1m' } }]],
    ['Guaranteed', [{ limits: { cpu: '1', memory: '1Gi' } }, { limits: { cpu: '2', memory: '1Gi' } }]],
  ])('is the class %s for what its containers ask for', async (qosClass, asked) => {
    const containers = asked.map((resources, index) => ({ name: `c-${index}`, image: 'a:1', resources }));
    const body = { metadata: { generateName: 'qos-' }, spec: { containers } };
    const made = await ask('/api/v1/namespaces/default/pods', { method: 'POST', body });
    expect(made.body.status).toMatchObject({ qosClass });
  });

  it('is nothing for a body that is cut off', async () => {
    const session = http2Connect(base, { ca });
    const text = JSON.stringify(configMap('cut'));
    const stream = session.request({
      ':method': 'POST',
      ':path': MAPS,
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/json',
      'content-length': text.length + 100,
    });
    stream.on('error', () => {});
    stream.write(text);
    await delay(50);
    stream.close(8);
    await delay(50);
    session.destroy();
    expect((await ask(`${MAPS}/cut`)).status).toBe(404);
  });
});

describe('a table', () => {
  const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };
  type Rows = { rows: { object: { kind?: string; data?: object } }[]; columnDefinitions: object[] | null };

  it('carries as much of its objects as is asked for', async () => {
    await ask(MAPS, { method: 'POST', body: configMap('carried', { of: 'table' }) });
    const rows = async (path: string) => ((await ask(path, { headers: table })).body as unknown as Rows).rows;
    for (const path of [`${MAPS}?labelSelector=of%3Dtable`, `${MAPS}/carried?`]) {
      expect((await rows(path))[0]?.object).toMatchObject({ kind: 'PartialObjectMetadata' });
      expect((await rows(`${path}&includeObject=Object`))[0]?.object).toMatchObject({
        data: { key: 'value' },
      });
      expect((await rows(`${path}&includeObject=None`))[0]?.object).toBeUndefined();
    }
    expect((await ask(`${MAPS}?includeObject=All`, { headers: table })).status).toBe(400);
    expect((await ask(`${MAPS}?watch=1&includeObject=All`, { headers: table })).status).toBe(400);
    const watched = await request(`${base}${MAPS}?watch=1&labelSelector=of%3Dtable&includeObject=Object`, {
      dispatcher,
      headers: { authorization: `Bearer ${TOKEN}`, ...table },
    });
    const [first] = (await watched.body[Symbol.asyncIterator]().next()).value.toString().split('\n');
    expect(JSON.parse(first).object.rows[0].object).toMatchObject({ data: { key: 'value' } });
  });

  it('shows an event about nothing', async () => {
    const EVENTS = '/api/v1/namespaces/default/events';
    const created = await ask(EVENTS, {
      method: 'POST',
      body: { metadata: { name: 'aimless' }, reason: 'So' },
    });
    expect([created.status, created.body.involvedObject]).toEqual([201, {}]);
    expect((await ask(EVENTS, { headers: table })).status).toBe(200);
  });
});

describe('a watch', () => {
  it('that cannot be told something ends, and the others hear of it', async () => {
    const EVENTS = '/api/v1/namespaces/default/events?watch=1&fieldSelector=metadata.name%3Dbroken';
    const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };
    const open = (headers: Record<string, string>) =>
      request(`${base}${EVENTS}`, { dispatcher, headers: { authorization: `Bearer ${TOKEN}`, ...headers } });
    const [first, second] = [await open(table), await open({})];
    const metadata = { name: 'broken', namespace: 'default' };
    store.create('events', { apiVersion: 'v1', kind: 'Event', metadata } as never);
    const told = await second.body[Symbol.asyncIterator]().next();
    expect(JSON.parse(told.value.toString())).toMatchObject({ type: 'ADDED', object: { metadata } });
    expect(await first.body.text().catch(() => '')).toBe('');
    expect(logged.splice(0).join()).toContain('TypeError');
    store.remove('events', 'default', 'broken');
  });

  it('stays for long when it is asked to, and as by default when it says zero', async () => {
    for (const seconds of ['0', '2147484', '99999999999']) {
      const { body } = await request(`${base}${MAPS}?watch=1&labelSelector=no&timeoutSeconds=${seconds}`, {
        dispatcher,
        headers: { authorization: `Bearer ${TOKEN}` },
      });
      let ended = false;
      body.on('end', () => {
        ended = true;
      });
      body.resume();
      await delay(1200);
      expect(ended, seconds).toBe(false);
      body.destroy();
    }
    expect((await ask(`${MAPS}?watch=1&timeoutSeconds=soon`)).status).toBe(400);
  });

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
