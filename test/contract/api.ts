// The API itself: what is stored, how it is found, watched, changed and refused.
import { setTimeout as delay } from 'node:timers/promises';
import type { KubernetesObject, V1ConfigMap, V1Deployment, V1Pod, V1Status } from '@kubernetes/client-node';
import { expect } from 'vitest';
import {
  APPLY,
  area,
  JSON_PATCH,
  MERGE,
  type Plural,
  pathIn,
  type Space,
  STRATEGIC,
  until,
} from './support.ts';
import { deployment, gone, nameOf, podSpec } from './workloads.ts';

type List<T> = { metadata: { resourceVersion: string }; items: T[] };

const configMap = (name: string, data?: Record<string, string>, labels?: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...(labels ? { labels } : {}) },
  ...(data ? { data } : {}),
});

/** One object of every kind that can be made, called `name`. */
const oneOfEach = (space: Space, name: string): Partial<Record<Plural, KubernetesObject & object>> => {
  const metadata = { name };
  return {
    configmaps: configMap(name, { a: '1' }),
    secrets: { metadata, data: { a: 'MQ==' } } as KubernetesObject,
    serviceaccounts: { metadata },
    roles: {
      metadata,
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    } as KubernetesObject,
    rolebindings: {
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: space.name }],
    } as KubernetesObject,
    services: { metadata, spec: { selector: { app: name }, ports: [{ port: 7000 }] } } as KubernetesObject,
    endpointslices: { metadata, addressType: 'IPv4', endpoints: [], ports: [] } as KubernetesObject,
    deployments: deployment(space, name, 0),
    pods: { metadata, spec: { ...podSpec(space, {}), nodeSelector: { no: 'node' } } } as KubernetesObject,
  };
};

export const api = area('api', (contract) => {
  contract('objects of every kind are created, read, listed, replaced and deleted', async (space) => {
    for (const [plural, object] of Object.entries(oneOfEach(space, 'each')) as [Plural, KubernetesObject][]) {
      const created = await space.http<KubernetesObject>('POST', space.path(plural), { body: object });
      expect(created.status, `${plural} ${created.text}`).toBe(201);
      expect(created.body.metadata, plural).toMatchObject({ name: 'each', namespace: space.name });
      expect(created.body.metadata?.uid, plural).toBeTruthy();
      expect(created.body.metadata?.creationTimestamp, plural).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);

      const read = await space.http<KubernetesObject>('GET', space.path(plural, 'each'));
      expect(read.body.metadata?.uid, plural).toBe(created.body.metadata?.uid);
      expect((await space.list(plural)).map(nameOf), plural).toContain('each');

      const changed = await until(`a change of ${plural}`, async () => {
        const now = await space.http<KubernetesObject>('GET', space.path(plural, 'each'));
        const body = { ...now.body, metadata: { ...now.body.metadata, labels: { changed: 'yes' } } };
        const put = await space.http<KubernetesObject>('PUT', space.path(plural, 'each'), { body });
        expect(put.status, put.text).toBe(200);
        return put.body;
      });
      expect(changed.metadata?.labels, plural).toEqual({ changed: 'yes' });
      expect(changed.metadata?.resourceVersion, plural).not.toBe(created.body.metadata?.resourceVersion);

      const removed = await space.http('DELETE', space.path(plural, 'each'));
      expect(removed.status, `${plural} ${removed.text}`).toBe(200);
      await gone(space, plural, 'each');
    }
  });

  contract('a replacement with an old resourceVersion is a conflict', async (space) => {
    const first = await space.create('configmaps', configMap('conflict'));
    await space.patch('configmaps', 'conflict', { data: { a: '1' } });
    const late = await space.http('PUT', space.path('configmaps', 'conflict'), { body: first });
    expect(late.status).toBe(409);
    expect(late.body).toMatchObject({
      kind: 'Status',
      status: 'Failure',
      reason: 'Conflict',
      code: 409,
      message: expect.stringContaining(
        'Operation cannot be fulfilled on configmaps "conflict": the object has been modified',
      ),
    });
  });

  contract('a name that is taken is refused: AlreadyExists', async (space) => {
    const body = deployment(space, 'twice', 0);
    await space.create('deployments', body);
    const again = await space.http('POST', space.path('deployments'), { body });
    expect(again.body).toMatchObject({
      reason: 'AlreadyExists',
      code: 409,
      message: 'deployments.apps "twice" already exists',
      details: { name: 'twice', group: 'apps', kind: 'deployments' },
    });
  });

  contract('what is not there is NotFound, in a Status that says what', async (space) => {
    const missing = await space.http('GET', space.path('pods', 'nope'));
    expect(missing.status).toBe(404);
    expect(missing.body).toMatchObject({
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      message: 'pods "nope" not found',
      reason: 'NotFound',
      details: { name: 'nope', kind: 'pods' },
      code: 404,
    });
    expect((await space.http('DELETE', space.path('services', 'nope'))).status).toBe(404);
    expect((await space.http('GET', `/apis/apps/v1/namespaces/${space.name}/nopes`)).status).toBe(404);
  });

  contract('a watch delivers every change after its version, in order', async (space) => {
    const path = space.path('configmaps');
    const selected = { labelSelector: 'of=watch' };
    const before = await space.http<List<V1ConfigMap>>('GET', path, { query: selected });
    await space.create('configmaps', configMap('watched', { n: '0' }, { of: 'watch' }));
    await space.patch('configmaps', 'watched', { data: { n: '1' } });
    const { resourceVersion } = before.body.metadata;
    await using watching = await space.watch<V1ConfigMap>(path, { ...selected, resourceVersion });
    await space.patch('configmaps', 'watched', { data: { n: '2' } });
    await space.remove('configmaps', 'watched');
    await until('four events', async () => expect(watching.events).toHaveLength(4));

    expect(watching.events.map(({ type, object }) => `${type} ${object.data?.n}`)).toEqual([
      'ADDED 0',
      'MODIFIED 1',
      'MODIFIED 2',
      'DELETED 2',
    ]);
    const versions = watching.events.map(({ object }) => Number(object.metadata?.resourceVersion));
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
  });

  contract('a watch without a version begins with what is there', async (space) => {
    await space.create('configmaps', configMap('there', {}, { of: 'beginning' }));
    const query = { labelSelector: 'of=beginning' };
    await using watching = await space.watch<V1ConfigMap>(space.path('configmaps'), query);
    await until('an event', async () => expect(watching.events).toHaveLength(1));
    expect(watching.events[0]).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'there' } } });
  });

  contract('an object that enters or leaves a watch’s selector is ADDED or DELETED to it', async (space) => {
    await space.create('configmaps', configMap('mover', {}, { side: 'out' }));
    const query = { labelSelector: 'side=in' };
    await using watching = await space.watch<V1ConfigMap>(space.path('configmaps'), query);
    for (const side of ['in', 'out'])
      await space.patch('configmaps', 'mover', { metadata: { labels: { side } } });
    await until('both', async () =>
      expect(watching.events.map(({ type }) => type)).toEqual(['ADDED', 'DELETED']),
    );
  });

  contract('a watch ends when its time is up', async (space) => {
    const query = { labelSelector: 'of=nothing', timeoutSeconds: 2 };
    const began = performance.now();
    await using watching = await space.watch(space.path('configmaps'), query);
    await watching.ended;
    expect(watching.events).toEqual([]);
    expect(performance.now() - began).toBeGreaterThan(1900);
  });

  contract('a watch of no time, or a very long one, goes on', async (space) => {
    for (const timeoutSeconds of [0, 2_147_484]) {
      await using watching = await space.watch(space.path('configmaps'), {
        labelSelector: 'of=nothing',
        timeoutSeconds,
      });
      expect(await Promise.race([watching.ended, delay(1500, 'goes on')])).toBe('goes on');
    }
  });

  contract('bookmarks come to watches that ask for them, with the version so far', async (space) => {
    const { body } = await space.http<List<V1ConfigMap>>('GET', space.path('configmaps'));
    const { resourceVersion } = body.metadata;
    const query = { resourceVersion, labelSelector: 'of=nothing' };
    const watch = (timeoutSeconds: number, allowWatchBookmarks: boolean) =>
      space.watch<V1ConfigMap>(space.path('configmaps'), { ...query, timeoutSeconds, allowWatchBookmarks });
    const plain = await watch(4, false);
    // The API server promises none: on a busy machine the one before the end of a watch may be left out.
    const asked = await Promise.all([4, 5, 6, 7].map((seconds) => watch(seconds, true)));
    await Promise.all([plain, ...asked].map(({ ended }) => ended));
    expect(plain.events).toEqual([]);
    const bookmarks = asked.flatMap(({ events }) => events);
    expect(new Set(bookmarks.map(({ type }) => type))).toEqual(new Set(['BOOKMARK']));
    for (const { object } of bookmarks) {
      expect(object.kind).toBe('ConfigMap');
      expect(Number(object.metadata?.resourceVersion)).toBeGreaterThanOrEqual(Number(resourceVersion));
    }
  });

  // What is forgotten when is each cluster's own affair; that something is missing must be told.
  contract('a watch from the first version is told all of it, or 410 Expired', async (space) => {
    const labels = { of: 'history' };
    await space.create('configmaps', configMap('old', { n: '0' }, labels));
    await space.patch('configmaps', 'old', { data: { n: '1' } });
    const query = { resourceVersion: 1, labelSelector: 'of=history' };
    await using watching = await space.watch<V1ConfigMap>(space.path('configmaps'), query);
    await until('the beginning', async () => {
      const [first, second] = watching.events;
      if (first?.type !== 'ERROR') {
        expect([first, second].map((event) => event?.object.data?.n)).toEqual(['0', '1']);
        return;
      }
      expect(first.object).toMatchObject({ kind: 'Status', code: 410, reason: 'Expired' });
      await watching.ended;
    });
  });

  contract('label selectors select', async (space) => {
    await space.create('configmaps', configMap('sel-a', {}, { sel: 'a', extra: '1' }));
    await space.create('configmaps', configMap('sel-b', {}, { sel: 'b' }));
    await space.create('configmaps', configMap('sel-none', {}, { other: 'x' }));
    const found = async (selector: string) =>
      (await space.list('configmaps', selector)).map(nameOf).filter((name) => name.startsWith('sel-'));
    expect(await found('sel=a')).toEqual(['sel-a']);
    expect(await found('sel!=a')).toEqual(['sel-b', 'sel-none']);
    expect(await found('sel in (a,b)')).toEqual(['sel-a', 'sel-b']);
    expect(await found('sel notin (a)')).toEqual(['sel-b', 'sel-none']);
    expect(await found('sel')).toEqual(['sel-a', 'sel-b']);
    expect(await found('!sel,other=x')).toEqual(['sel-none']);
    expect(await found('sel=a,extra=1')).toEqual(['sel-a']);
    expect(await found('sel=a,extra=2')).toEqual([]);
  });

  contract('field selectors select by name, node and phase', async (space) => {
    for (const name of ['field-1', 'field-2']) {
      await space.create('pods', {
        metadata: { name, labels: { of: 'fields' } },
        spec: podSpec(space, { pod: { nodeSelector: { no: 'node' } } }),
      });
    }
    const found = async (fieldSelector: string) => {
      const query = { fieldSelector, labelSelector: 'of=fields' };
      return (await space.http<List<V1Pod>>('GET', space.path('pods'), { query })).body.items.map(nameOf);
    };
    expect(await found('metadata.name=field-1')).toEqual(['field-1']);
    expect(await found('status.phase=Pending,metadata.name!=field-1')).toEqual(['field-2']);
    expect(await found('spec.nodeName=')).toEqual(['field-1', 'field-2']);
    expect(await found('status.phase=Running')).toEqual([]);
  });

  contract('a selector that cannot be read is a bad request', async (space) => {
    for (const query of [{ labelSelector: 'a in (' }, { fieldSelector: 'spec.nope=1' }]) {
      const refused = await space.http('GET', space.path('pods'), { query });
      expect(refused.status, JSON.stringify(query)).toBe(400);
      expect(refused.body.reason).toBe('BadRequest');
    }
  });

  contract('a JSON patch is made as a whole or not at all', async (space) => {
    await space.create('configmaps', configMap('json', { a: '1', b: '2' }));
    const good = [
      { op: 'test', path: '/data/a', value: '1' },
      { op: 'replace', path: '/data/a', value: '9' },
      { op: 'remove', path: '/data/b' },
    ];
    expect((await space.patch('configmaps', 'json', good, JSON_PATCH)).data).toEqual({ a: '9' });
    const bad = [
      { op: 'add', path: '/data/c', value: '3' },
      { op: 'test', path: '/data/a', value: '1' },
    ];
    const type = JSON_PATCH;
    const refused = await space.http('PATCH', space.path('configmaps', 'json'), { body: bad, type });
    expect(refused.status).toBe(422);
    expect((await space.get('configmaps', 'json')).data).toEqual({ a: '9' });
  });

  contract('a merge patch removes what is null, and replaces lists', async (space) => {
    await space.create('deployments', deployment(space, 'merged', 0, { env: { A: '1', B: '2' } }));
    const [main] = (await space.get('deployments', 'merged')).spec?.template.spec?.containers ?? [];
    const changed = await space.patch('deployments', 'merged', {
      metadata: { labels: { app: null, new: 'yes' } },
      spec: { template: { spec: { containers: [{ ...main, env: [{ name: 'C', value: '3' }] }] } } },
    });
    expect(changed.metadata?.labels).toEqual({ new: 'yes' });
    expect(changed.spec?.template.spec?.containers[0]?.env).toEqual([{ name: 'C', value: '3' }]);
  });

  contract('a strategic merge patch merges containers and their env by name', async (space) => {
    await space.create('deployments', deployment(space, 'strategic', 0, { env: { A: '1', B: '2' } }));
    const env = [
      { name: 'B', $patch: 'delete' },
      { name: 'C', value: '3' },
    ];
    const body = { spec: { template: { spec: { containers: [{ name: 'main', env }] } } } };
    const changed = await space.patch('deployments', 'strategic', body, STRATEGIC);
    const [main] = changed.spec?.template.spec?.containers ?? [];
    expect(main?.command?.[0]).toBe('node');
    expect(main?.env?.map(({ name }) => name).sort()).toEqual(['A', 'C', 'POD_NAME']);
  });

  contract('applying twice changes nothing; leaving a field out removes it', async (space) => {
    const apply = (data: Record<string, string>) =>
      space.http<V1ConfigMap>('PATCH', space.path('configmaps', 'applied'), {
        body: configMap('applied', data),
        type: APPLY,
        query: { fieldManager: 'one' },
      });
    const first = await apply({ a: '1', b: '2' });
    expect(first.status).toBe(201);
    const second = await apply({ a: '1', b: '2' });
    expect(second.status).toBe(200);
    expect(second.body.metadata?.resourceVersion).toBe(first.body.metadata?.resourceVersion);
    expect((await apply({ a: '1' })).body.data).toEqual({ a: '1' });
    const [managed] = second.body.metadata?.managedFields ?? [];
    expect(managed).toMatchObject({ manager: 'one', operation: 'Apply', fieldsType: 'FieldsV1' });
  });

  contract('applying what another applied is a conflict, unless it is forced', async (space) => {
    const apply = (fieldManager: string, a: string, force?: boolean) =>
      space.http<V1ConfigMap & V1Status>('PATCH', space.path('configmaps', 'disputed'), {
        body: configMap('disputed', { a }),
        type: APPLY,
        query: { fieldManager, ...(force ? { force } : {}) },
      });
    await apply('one', '1');
    const refused = await apply('two', '2');
    expect(refused.status).toBe(409);
    expect(refused.body).toMatchObject({
      reason: 'Conflict',
      message: expect.stringMatching(/Apply failed with 1 conflict: conflict with "one"/),
      details: { causes: [{ reason: 'FieldManagerConflict', field: '.data.a' }] },
    });
    expect((await apply('two', '2', true)).body.data).toEqual({ a: '2' });
    expect((await apply('one', '1')).status).toBe(409);
  });

  contract('a status that is applied to what is not there makes nothing', async (space) => {
    const body = { ...deployment(space, 'part', 0), status: { replicas: 1 } };
    const applied = await space.http('PATCH', `${space.path('deployments', 'part')}/status`, {
      body,
      type: APPLY,
      query: { fieldManager: 'one' },
    });
    expect(applied.status).toBe(404);
    expect((await space.http('GET', space.path('deployments', 'part'))).status).toBe(404);
  });

  contract('what the server gives is the server’s: times of deletion', async (space) => {
    const times = { deletionTimestamp: '2020-01-01T00:00:00Z', deletionGracePeriodSeconds: 5 };
    const created = await space.http<V1ConfigMap>('POST', space.path('configmaps'), {
      body: { ...configMap('times'), metadata: { name: 'times', ...times } },
    });
    expect(created.status).toBe(201);
    for (const [key, value] of Object.entries(times)) {
      expect(created.body.metadata).not.toHaveProperty(key);
      const patched = await space.http('PATCH', space.path('configmaps', 'times'), {
        body: { metadata: { [key]: value } },
        type: MERGE,
      });
      expect(patched.status, key).toBe(422);
      expect(patched.body.message).toMatch(
        new RegExp(`metadata\\.${key}: Invalid value.*field is immutable`),
      );
    }
    expect((await space.get('configmaps', 'times')).metadata?.deletionTimestamp).toBeUndefined();
  });

  contract('a replacement is for its own object: not of another name, namespace or uid', async (space) => {
    await space.create('configmaps', configMap('self'));
    const put = (metadata: object) =>
      space.http('PUT', space.path('configmaps', 'self'), {
        body: { ...configMap('self'), metadata: { name: 'self', ...metadata } },
      });
    const other = await put({ uid: '00000000-0000-0000-0000-000000000000' });
    expect(other.status).toBe(409);
    expect(other.body.message).toMatch(/Precondition failed: UID in precondition: 0/);
    expect((await put({ namespace: 'default' })).status).toBe(400);
    expect((await put({ name: 'other' })).status).toBe(400);
    expect((await put({})).status).toBe(200);
  });

  contract('an unknown field is a bad request where validation is strict', async (space) => {
    const body = { ...configMap('strict'), nope: 1 };
    const query = { fieldValidation: 'Strict' };
    const refused = await space.http('POST', space.path('configmaps'), { body, query });
    expect(refused.status).toBe(400);
    expect(refused.body.message).toMatch(/strict decoding error: unknown field "nope"/);
    expect((await space.http('GET', space.path('configmaps', 'strict'))).status).toBe(404);
  });

  contract('a body that is not JSON, or of another kind, is a bad request', async (space) => {
    for (const body of ['{"kind"', '[]', { ...configMap('kind'), kind: 'Secret' }]) {
      const refused = await space.http('POST', space.path('configmaps'), { body });
      expect(refused.status, JSON.stringify(body)).toBe(400);
      expect(refused.body.kind).toBe('Status');
    }
    const type = 'text/plain';
    expect((await space.http('POST', space.path('configmaps'), { body: '{}', type })).status).toBe(415);
  });

  contract('values that cannot be are Invalid, by field', async (space) => {
    const spaced = { httpGet: { port: 8080, httpHeaders: [{ name: 'a b', value: 'c' }] } };
    const selectorless = { ...deployment(space, 'invalid', 1), spec: { template: {} } };
    const cases: [Plural, object, string][] = [
      ['configmaps', configMap('Not_A_Name'), 'metadata.name'],
      ['deployments', selectorless, 'spec.selector'],
      ['deployments', deployment(space, 'invalid', -1), 'spec.replicas'],
      [
        'services',
        { metadata: { name: 'invalid' }, spec: { ports: [{ port: 70_000 }] } },
        'spec.ports[0].port',
      ],
      ['pods', { metadata: { name: 'invalid' }, spec: { containers: [] } }, 'spec.containers'],
      [
        'pods',
        { metadata: { name: 'invalid' }, spec: podSpec(space, { container: { readinessProbe: spaced } }) },
        'spec.containers[0].readinessProbe.httpGet.httpHeaders',
      ],
    ];
    for (const [plural, body, field] of cases) {
      const refused = await space.http('POST', space.path(plural), { body });
      expect(refused.status, field).toBe(422);
      expect(refused.body.reason).toBe('Invalid');
      expect(refused.body.details?.causes?.map((cause) => cause.field)).toContain(field);
    }
  });

  contract('a Deployment’s selector and a pod’s environment cannot be changed', async (space) => {
    await space.create('deployments', deployment(space, 'immutable', 0));
    const selector = { spec: { selector: { matchLabels: { app: 'other' } } } };
    const labels = { spec: { template: { metadata: { labels: { app: 'other' } } } } };
    const refused = await space.http('PATCH', space.path('deployments', 'immutable'), {
      body: { spec: { ...selector.spec, ...labels.spec } },
      type: MERGE,
    });
    expect(refused.status).toBe(422);
    expect(refused.body.message).toMatch(/spec\.selector: Invalid value: .*: field is immutable/);

    await space.create('pods', {
      metadata: { name: 'immutable' },
      spec: podSpec(space, { pod: { nodeSelector: { no: 'node' } } }),
    });
    const env = { spec: { containers: [{ name: 'main', env: [{ name: 'NEW', value: '1' }] }] } };
    const pod = await space.http('PATCH', space.path('pods', 'immutable'), { body: env, type: STRATEGIC });
    expect(pod.status).toBe(422);
    expect(pod.body.message).toMatch(/pod updates may not change fields other than/);
  });

  contract('a dry run answers as if, and leaves nothing', async (space) => {
    const query = { dryRun: 'All' };
    const body = deployment(space, 'dry', 1);
    const dry = await space.http<V1Deployment>('POST', space.path('deployments'), { body, query });
    expect(dry.status).toBe(201);
    expect(dry.body.spec?.strategy?.type).toBe('RollingUpdate');
    expect((await space.http('GET', space.path('deployments', 'dry'))).status).toBe(404);

    await space.create('configmaps', configMap('dry', { a: '1' }));
    const type = MERGE;
    const patched = await space.http<V1ConfigMap>('PATCH', space.path('configmaps', 'dry'), {
      body: { data: { a: '2' } },
      type,
      query,
    });
    expect(patched.body.data).toEqual({ a: '2' });
    await space.http('DELETE', space.path('configmaps', 'dry'), { query });
    expect((await space.get('configmaps', 'dry')).data).toEqual({ a: '1' });
    const twice = await space.http('POST', space.path('configmaps'), { body: configMap('dry'), query });
    expect(twice.body).toMatchObject({ code: 409, reason: 'AlreadyExists' });
  });

  contract('a dry run of another kind than All is refused, not done', async (space) => {
    const query = { dryRun: 'Some' };
    const body = configMap('wet');
    const refused = await space.http('POST', space.path('configmaps'), { body, query });
    expect(refused.body).toMatchObject({ code: 422, reason: 'Invalid' });
    expect(refused.body.message).toContain('dryRun: Unsupported value');
    expect((await space.http('GET', space.path('configmaps', 'wet'))).status).toBe(404);
  });

  contract('a collection is deleted by its selector', async (space) => {
    for (const name of ['many-1', 'many-2'])
      await space.create('configmaps', configMap(name, {}, { of: 'many' }));
    await space.create('configmaps', configMap('spared', {}, { of: 'few' }));
    const query = { labelSelector: 'of=many' };
    expect((await space.http('DELETE', space.path('configmaps'), { query })).status).toBe(200);
    expect(await space.list('configmaps', 'of=many')).toEqual([]);
    expect(await space.list('configmaps', 'of=few')).toHaveLength(1);
  });

  contract('a delete that names another uid is refused', async (space) => {
    await space.create('configmaps', configMap('unique'));
    const body = { preconditions: { uid: 'another' } };
    const refused = await space.http('DELETE', space.path('configmaps', 'unique'), { body });
    expect(refused.status).toBe(409);
    expect((await space.get('configmaps', 'unique')).metadata?.name).toBe('unique');
  });

  contract('finalizers keep an object until the last is taken off', async (space) => {
    const finalizers = ['grpc-kind-lab.dev/hold'];
    await space.create('configmaps', { ...configMap('held'), metadata: { name: 'held', finalizers } });
    await space.remove('configmaps', 'held');
    const held = await space.get('configmaps', 'held');
    expect(held.metadata?.deletionTimestamp).toBeTruthy();
    await space.patch('configmaps', 'held', { metadata: { finalizers: null } });
    expect((await space.http('GET', space.path('configmaps', 'held'))).status).toBe(404);
  });

  contract('defaults are filled in', async (space) => {
    const container = { readinessProbe: { tcpSocket: { port: 8080 } }, ports: [{ containerPort: 8080 }] };
    const { spec } = await space.create('deployments', deployment(space, 'defaults', 0, { container }));
    expect(spec).toMatchObject({
      progressDeadlineSeconds: 600,
      revisionHistoryLimit: 10,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      template: {
        spec: {
          restartPolicy: 'Always',
          dnsPolicy: 'ClusterFirst',
          containers: [
            {
              imagePullPolicy: 'IfNotPresent',
              readinessProbe: {
                periodSeconds: 10,
                timeoutSeconds: 1,
                successThreshold: 1,
                failureThreshold: 3,
              },
              ports: [{ protocol: 'TCP' }],
            },
          ],
        },
      },
    });
    const service = await space.create('services', {
      metadata: { name: 'defaults' },
      spec: { selector: { app: 'defaults' }, ports: [{ port: 7000 }] },
    });
    expect(service.spec).toMatchObject({
      type: 'ClusterIP',
      sessionAffinity: 'None',
      ipFamilies: ['IPv4'],
      ports: [{ port: 7000, targetPort: 7000, protocol: 'TCP' }],
    });
    expect(service.spec?.clusterIPs).toEqual([service.spec?.clusterIP]);
  });

  contract('a Secret’s stringData is stored as data', async (space) => {
    const secret = await space.create('secrets', {
      metadata: { name: 'words' },
      stringData: { word: 'hush' },
    });
    expect(secret).toMatchObject({ type: 'Opaque', data: { word: 'aHVzaA==' } });
    expect(secret.stringData).toBeUndefined();
  });

  contract('generateName makes names that differ', async (space) => {
    const make = () => space.create('configmaps', { metadata: { generateName: 'made-' } });
    const names = [nameOf(await make()), nameOf(await make())];
    expect(names[0]).toMatch(/^made-[a-z0-9]{5}$/);
    expect(names[1]).not.toBe(names[0]);
  });

  contract('generation counts changes of the spec, and observedGeneration follows', async (space) => {
    const { metadata } = await space.create('deployments', deployment(space, 'generation', 0));
    expect(metadata?.generation).toBe(1);
    await space.patch('deployments', 'generation', { metadata: { labels: { a: 'b' } } });
    expect((await space.get('deployments', 'generation')).metadata?.generation).toBe(1);
    await space.patch('deployments', 'generation', { spec: { minReadySeconds: 1 } });
    const seen = await until('observedGeneration 2', async () => {
      const now = await space.get('deployments', 'generation');
      expect(now.status?.observedGeneration).toBe(2);
      return now;
    });
    expect(seen.metadata?.generation).toBe(2);
  });

  contract('a replacement that has its keys in another order is no other spec', async (space) => {
    await space.create('deployments', deployment(space, 'reordered', 0, { env: { A: '1' } }));
    const reversed = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reversed);
      if (typeof value !== 'object' || value === null) return value;
      const entries = Object.entries(value).map(([key, part]) => [key, reversed(part)] as const);
      return Object.fromEntries(entries.reverse());
    };
    // Its controller writes to it as well.
    const put = await until('a replacement', async () => {
      const now = await space.get('deployments', 'reordered');
      const body = reversed({ ...now, metadata: { ...now.metadata, labels: { other: 'label' } } });
      const replaced = await space.http<V1Deployment>('PUT', space.path('deployments', 'reordered'), {
        body,
      });
      expect(replaced.status, replaced.text).toBe(200);
      return replaced.body;
    });
    expect(put.metadata).toMatchObject({ generation: 1, labels: { other: 'label' } });
  });

  contract('the status is the controllers’: a write to the object does not touch it', async (space) => {
    await space.create('deployments', { ...deployment(space, 'status', 0), status: { readyReplicas: 7 } });
    await space.patch('deployments', 'status', { status: { readyReplicas: 7 } });
    expect((await space.get('deployments', 'status')).status?.readyReplicas).toBeUndefined();
  });

  contract('the scale subresource reads and sets the replicas', async (space) => {
    await space.create(
      'deployments',
      deployment(space, 'scaled', 0, { pod: { nodeSelector: { no: 'node' } } }),
    );
    const path = `${space.path('deployments', 'scaled')}/scale`;
    const scale = await space.http<{ kind: string; spec: object; status: object }>('GET', path);
    expect(scale.body).toMatchObject({ kind: 'Scale', spec: {}, status: { selector: 'app=scaled' } });
    const patched = await space.http('PATCH', path, { body: { spec: { replicas: 2 } }, type: MERGE });
    expect(patched.status).toBe(200);
    expect((await space.get('deployments', 'scaled')).spec?.replicas).toBe(2);
    const put = { ...scale.body, spec: { replicas: 1 }, metadata: { name: 'scaled', namespace: space.name } };
    expect((await space.http('PUT', path, { body: put })).status).toBe(200);
    expect((await space.get('deployments', 'scaled')).spec?.replicas).toBe(1);
  });

  contract('what an owner leaves behind goes with it', async (space) => {
    await space.create(
      'deployments',
      deployment(space, 'owner', 1, { pod: { nodeSelector: { no: 'node' } } }),
    );
    await until('a pod', async () => expect(await space.list('pods', 'app=owner')).toHaveLength(1));
    const [set] = await space.list('replicasets', 'app=owner');
    expect(set?.metadata?.ownerReferences).toMatchObject([
      { kind: 'Deployment', name: 'owner', controller: true },
    ]);
    const [pod] = await space.list('pods', 'app=owner');
    expect(pod?.metadata?.ownerReferences).toMatchObject([{ kind: 'ReplicaSet', name: nameOf(set) }]);
    await space.remove('deployments', 'owner');
    await until('nothing left', async () => {
      expect(await space.list('replicasets', 'app=owner')).toEqual([]);
      expect(await space.list('pods', 'app=owner')).toEqual([]);
    });
  });

  contract('orphans stay, without their owner', async (space) => {
    await space.create(
      'deployments',
      deployment(space, 'leaver', 1, { pod: { nodeSelector: { no: 'node' } } }),
    );
    await until('a pod', async () => expect(await space.list('pods', 'app=leaver')).toHaveLength(1));
    await space.remove('deployments', 'leaver', { propagationPolicy: 'Orphan' });
    await gone(space, 'deployments', 'leaver');
    const [set] = await space.list('replicasets', 'app=leaver');
    expect(set?.metadata?.name).toMatch(/leaver-/);
    expect(set?.metadata?.ownerReferences).toBeUndefined();
    expect(await space.list('pods', 'app=leaver')).toHaveLength(1);
    await space.remove('replicasets', nameOf(set));
  });

  contract('orphans stay for the older word, too', async (space) => {
    await space.create('deployments', deployment(space, 'old-leaver', 0));
    await until('a ReplicaSet', async () =>
      expect(await space.list('replicasets', 'app=old-leaver')).toHaveLength(1),
    );
    await space.remove('deployments', 'old-leaver', { orphanDependents: true });
    await gone(space, 'deployments', 'old-leaver');
    const [set] = await space.list('replicasets', 'app=old-leaver');
    expect(set?.metadata?.name).toMatch(/leaver-/);
    expect(set?.metadata?.ownerReferences).toBeUndefined();
    await space.remove('replicasets', nameOf(set));
  });

  contract('a foreground delete keeps the owner until its dependents are gone', async (space) => {
    const owner = await space.create('configmaps', configMap('foreground'));
    const ownerReferences = [
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        name: 'foreground',
        uid: owner.metadata?.uid ?? '',
        blockOwnerDeletion: true,
      },
    ];
    const finalizers = ['grpc-kind-lab.dev/hold'];
    const metadata = { name: 'dependent', ownerReferences, finalizers };
    await space.create('configmaps', { metadata });
    await space.remove('configmaps', 'foreground', { propagationPolicy: 'Foreground' });
    await until('the dependent going', async () =>
      expect((await space.get('configmaps', 'dependent')).metadata?.deletionTimestamp).toBeTruthy(),
    );
    expect((await space.get('configmaps', 'foreground')).metadata?.finalizers).toEqual([
      'foregroundDeletion',
    ]);
    await space.patch('configmaps', 'dependent', { metadata: { finalizers: null } });
    await gone(space, 'configmaps', 'foreground');
  });

  contract('a namespace takes everything in it with it', async (space) => {
    const name = `${space.name}-inner`;
    const path = `/api/v1/namespaces/${name}`;
    const inside = pathIn(name, 'configmaps');
    const finalizers = ['grpc-kind-lab.dev/hold'];
    const held = { ...configMap('held'), metadata: { name: 'held', finalizers } };
    expect((await space.http('POST', inside, { body: held })).status).toBe(404);
    await space.http('POST', '/api/v1/namespaces', { body: { metadata: { name } } });
    expect((await space.http('POST', inside, { body: held })).status).toBe(201);
    await space.http('POST', pathIn(name, 'services'), {
      body: { metadata: { name: 'inner' }, spec: { ports: [{ port: 7000 }] } },
    });
    await space.http('DELETE', path);
    await until('only what is held', async () =>
      expect((await space.http('GET', pathIn(name, 'services', 'inner'))).status).toBe(404),
    );
    const going = await space.http<{ status: { phase: string } }>('GET', path);
    expect(going.body.status.phase).toBe('Terminating');
    const late = await space.http('POST', inside, { body: configMap('late') });
    expect(late.status).toBe(403);
    expect(late.body.message).toMatch(/because it is being terminated/);

    const release = { metadata: { finalizers: null } };
    await space.http('PATCH', pathIn(name, 'configmaps', 'held'), { body: release, type: MERGE });
    await until('the end of the namespace', async () =>
      expect((await space.http('GET', path)).status).toBe(404),
    );
  });

  contract('it says that it is well, and that it is Kubernetes 1.34', async (space) => {
    for (const path of ['/readyz', '/livez', '/healthz']) {
      expect((await space.http('GET', path)).text).toBe('ok');
    }
    const { body } = await space.http<{ major: string; minor: string }>('GET', '/version');
    expect(body).toMatchObject({ major: '1', minor: '34' });
  });

  contract('a list names its kind and version; one page holds it all when there is room', async (space) => {
    await space.create('configmaps', configMap('paged', {}, { of: 'page' }));
    const query = { limit: 500, labelSelector: 'of=page' };
    const { body } = await space.http<List<V1ConfigMap> & KubernetesObject>('GET', space.path('configmaps'), {
      query,
    });
    expect(body).toMatchObject({ kind: 'ConfigMapList', apiVersion: 'v1' });
    expect(Number(body.metadata.resourceVersion)).toBeGreaterThan(0);
    expect(body.items.map(nameOf)).toEqual(['paged']);
    const all = await space.http<List<V1ConfigMap>>('GET', '/api/v1/configmaps', { query });
    expect(all.body.items.map(({ metadata }) => metadata?.namespace)).toEqual([space.name]);
  });
});
