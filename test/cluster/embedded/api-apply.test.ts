import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { withDefaults } from '../../../scripts/cluster/embedded/api/defaults.ts';
import { patchObject } from '../../../scripts/cluster/embedded/api/patch/index.ts';
import { withUpdatedManagers } from '../../../scripts/cluster/embedded/api/patch/managed-fields.ts';
import { ApiError } from '../../../scripts/cluster/embedded/errors.ts';
import { type Resource, resources } from '../../../scripts/cluster/embedded/resources.ts';
import { createStore } from '../../../scripts/cluster/embedded/store.ts';
import { holds } from '../../support/property.ts';

const { configmaps, deployments, services } = resources;
const now = '2026-11-22T00:00:00Z';
const later = '2026-11-22T00:01:00Z';

type Any = { metadata: { managedFields?: Entry[]; [key: string]: unknown }; [key: string]: unknown };
type Entry = { manager: string; operation: string; fieldsV1: object; time?: string; subresource?: string };
type Applied = { manager?: string; force?: boolean; now?: string; resource?: Resource };

const apply = (current: object | undefined, config: object, options: Applied = {}): Any =>
  patchObject(options.resource ?? deployments, current, 'application/apply-patch+yaml', stringify(config), {
    fieldManager: options.manager ?? 'me',
    force: options.force,
    now: options.now ?? now,
  }) as Any;

const update = (
  before: Any | undefined,
  after: object,
  manager: string,
  subresource = '',
  resource = deployments,
) => withUpdatedManagers(resource, before, after as Any, { manager, subresource, now: later });

const fieldsOf = (object: Any, manager: string) =>
  object.metadata.managedFields?.find((entry) => entry.manager === manager)?.fieldsV1;

function refusal(act: () => unknown): ApiError {
  try {
    act();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

const configMap = (data: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', namespace: 'n' },
  data,
});
const deployment = (spec: object = {}, container: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'a', namespace: 'n', labels: { app: 'a' } },
  spec: {
    selector: { matchLabels: { app: 'a' } },
    template: {
      metadata: { labels: { app: 'a' } },
      spec: { containers: [{ name: 'a', image: 'a:1', ...container }] },
    },
    ...spec,
  },
});

const cm = { resource: configmaps };

describe('server-side apply', () => {
  it('creates, and owns exactly what it states', () => {
    const made = apply(undefined, deployment({ replicas: 2 }, { ports: [{ containerPort: 80 }] }));
    expect(made).toMatchObject(deployment({ replicas: 2 }));
    expect(made.metadata.managedFields).toEqual([
      {
        apiVersion: 'apps/v1',
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': { 'f:labels': { 'f:app': {} } },
          'f:spec': {
            'f:replicas': {},
            'f:selector': {},
            'f:template': {
              'f:metadata': { 'f:labels': { 'f:app': {} } },
              'f:spec': {
                'f:containers': {
                  'k:{"name":"a"}': {
                    '.': {},
                    'f:image': {},
                    'f:name': {},
                    'f:ports': {
                      'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} },
                    },
                  },
                },
              },
            },
          },
        },
        manager: 'me',
        operation: 'Apply',
        time: now,
      },
    ]);
  });

  it('again, with defaults filled in meanwhile, changes nothing', () => {
    const config = deployment({ replicas: 2 }, { ports: [{ containerPort: 80 }] });
    const stored = withDefaults(deployments, apply(undefined, config));
    expect(apply(stored, config, { now: later })).toBe(stored);
  });

  it('removes what it no longer states', () => {
    const made = apply(undefined, configMap({ a: '1', b: '2' }), cm);
    const less = apply(made, configMap({ b: '2' }), cm);
    expect(less.data).toEqual({ b: '2' });
    expect(fieldsOf(less, 'me')).toEqual({ 'f:data': { 'f:b': {} } });
  });

  it('keeps what somebody else owns too', () => {
    const mine = apply(undefined, configMap({ a: '1', b: '2' }), cm);
    const both = apply(mine, configMap({ a: '1' }), { ...cm, manager: 'you' });
    expect(apply(both, configMap({}), cm).data).toEqual({ a: '1' });
  });

  it('removes a struct with the defaults in it', () => {
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } };
    const stored = withDefaults(deployments, apply(undefined, deployment({ strategy })));
    const less = apply(stored, deployment({ strategy: { type: 'Recreate' } }));
    expect(less.spec).toMatchObject({ strategy: { type: 'Recreate' } });
    expect((less.spec as { strategy: object }).strategy).not.toHaveProperty('rollingUpdate');
  });

  it('removes containers and ports by their keys', () => {
    const ports = [{ containerPort: 1 }, { containerPort: 2 }];
    const stored = withDefaults(deployments, apply(undefined, deployment({}, { ports })));
    const less = apply(stored, deployment({}, { ports: [{ containerPort: 2 }] }));
    expect(less).toMatchObject({
      spec: { template: { spec: { containers: [{ ports: [{ containerPort: 2, protocol: 'TCP' }] }] } } },
    });
  });

  it('refuses to change what another manager owns', () => {
    const made = apply(undefined, deployment({ replicas: 2 }));
    const scaled = update(
      made,
      { ...made, spec: { ...(made.spec as object), replicas: 5 } },
      'kubectl',
      'scale',
    );
    const error = refusal(() => apply(scaled, deployment({ replicas: 2 })));
    expect([error.code, error.reason]).toEqual([409, 'Conflict']);
    expect(error.message).toBe(
      'Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas',
    );
    expect(error.details).toEqual({
      causes: [
        {
          reason: 'FieldManagerConflict',
          message: 'conflict with "kubectl" with subresource "scale" using apps/v1',
          field: '.spec.replicas',
        },
      ],
    });
    const forced = apply(scaled, deployment({ replicas: 2 }), { force: true });
    expect(forced.spec).toMatchObject({ replicas: 2 });
    expect(fieldsOf(forced, 'kubectl')).toBeUndefined();
  });

  it('names every conflict, by manager', () => {
    const made = apply(undefined, configMap({ a: '1', b: '2' }), { ...cm, manager: 'z' });
    const error = refusal(() => apply(made, configMap({ a: '2', b: '3' }), cm));
    expect(error.message).toBe('Apply failed with 2 conflicts: conflicts with "z":\n- .data.a\n- .data.b');
  });

  it('names items of lists by their keys', () => {
    const made = apply(undefined, deployment(), { manager: 'z' });
    const error = refusal(() => apply(made, deployment({}, { image: 'b:1' })));
    expect(error.message).toContain('.spec.template.spec.containers[name="a"].image');
  });

  it('shares a field with who states the same value', () => {
    const made = apply(undefined, configMap({ a: '1' }), { ...cm, manager: 'z' });
    const both = apply(made, configMap({ a: '1' }), cm);
    expect(both.metadata.managedFields?.map(({ manager }) => manager)).toEqual(['me', 'z']);
  });

  it('does not overwrite unasked what nobody manages yet', () => {
    const error = refusal(() => apply(configMap({ a: '1' }), configMap({ a: '2' }), cm));
    expect(error.message).toContain('"before-first-apply" using v1: .data.a');
  });

  it('replaces atomic values as a whole', () => {
    const service = (selector: object) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'a' },
      spec: { selector, ports: [{ port: 80 }] },
    });
    const options = { resource: services };
    const made = apply(undefined, service({ app: 'a', x: 'y' }), options);
    expect(fieldsOf(made, 'me')).toEqual({
      'f:spec': {
        'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {} } },
        'f:selector': {},
      },
    });
    expect(apply(made, service({ app: 'b' }), options).spec).toMatchObject({ selector: { app: 'b' } });
  });

  it('ignores the status', () => {
    const made = apply(undefined, { ...deployment(), status: { replicas: 1 } });
    expect(made).not.toHaveProperty('status');
    expect(fieldsOf(made, 'me')).not.toHaveProperty('f:status');
  });

  const two = [{ name: 'a' }, { name: 'a' }];
  it.each<[string, object | string, number, string]>([
    ['a list', [], 400, 'must be an object'],
    ['no kind', { apiVersion: 'apps/v1', metadata: {} }, 400, "'kind' is missing"],
    ['an unknown field', deployment({ foo: 1 }), 400, 'unknown field "spec.foo"'],
    ['managed fields', { ...deployment(), metadata: { managedFields: [{}] } }, 400, 'must be nil'],
    ['the same key twice', deployment({}, { env: two }), 400, 'duplicate entries for key {"name":"a"}'],
    ['an item without its key', deployment({}, { env: [{ value: '1' }] }), 400, 'omits key field "name"'],
  ])('refuses %s', (_what, config, code, message) => {
    const error = refusal(() => apply(undefined, config as object));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });

  it('wants to know by whom, and in YAML', () => {
    const patch = (body: string, fieldManager?: string) => () =>
      patchObject(deployments, undefined, 'application/apply-patch+yaml', body, { fieldManager, now });
    expect(refusal(patch('{}')).message).toContain(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    );
    expect(refusal(patch('a: [', 'me')).message).toContain('error decoding YAML');
  });
});

describe('managers of ordinary writes', () => {
  const creator = 'kubectl-client-side-apply';
  const created = update(undefined, withDefaults(deployments, deployment()), creator);

  it('own what they create', () => {
    expect(fieldsOf(created, 'kubectl-client-side-apply')).toEqual({
      'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
      'f:spec': {
        'f:progressDeadlineSeconds': {},
        'f:replicas': {},
        'f:revisionHistoryLimit': {},
        'f:selector': {},
        'f:strategy': {
          'f:rollingUpdate': { '.': {}, 'f:maxSurge': {}, 'f:maxUnavailable': {} },
          'f:type': {},
        },
        'f:template': {
          'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
          'f:spec': {
            'f:containers': {
              'k:{"name":"a"}': {
                '.': {},
                'f:image': {},
                'f:imagePullPolicy': {},
                'f:name': {},
                'f:resources': {},
                'f:terminationMessagePath': {},
                'f:terminationMessagePolicy': {},
              },
            },
            'f:dnsPolicy': {},
            'f:restartPolicy': {},
            'f:schedulerName': {},
            'f:securityContext': {},
            'f:terminationGracePeriodSeconds': {},
          },
        },
      },
    });
  });

  it('take what they change from whoever had it', () => {
    const after = { ...created, spec: { ...(created.spec as object), replicas: 3 } };
    const edited = update(created, after, 'kubectl-edit');
    expect(fieldsOf(edited, 'kubectl-edit')).toEqual({ 'f:spec': { 'f:replicas': {} } });
    const { 'f:spec': rest } = fieldsOf(edited, 'kubectl-client-side-apply') as { 'f:spec': object };
    expect(rest).not.toHaveProperty('f:replicas');
  });

  it('lose what is removed, and go with the last of it', () => {
    const before = update(undefined, configMap({ a: '1' }), 'a', '', configmaps);
    const after = update(before, { ...before, data: {} }, 'b', '', configmaps);
    expect(fieldsOf(after, 'a')).toEqual({ 'f:data': {} });
    const { data: _, ...rest } = after;
    expect(update(after, rest as Any, 'c', '', configmaps).metadata.managedFields).toBeUndefined();
  });

  it('stay as they are when nothing changes', () => {
    const again = withUpdatedManagers(deployments, created, { ...created }, { manager: 'x', now: 'later' });
    expect(again).toEqual(created);
    expect(withUpdatedManagers(deployments, created, created, { manager: creator, now: 'later' })).toEqual(
      created,
    );
  });

  it('of a status own nothing else', () => {
    const metadata = { ...created.metadata, labels: { app: 'b' } };
    const after = { ...created, metadata, status: { replicas: 1 } };
    const written = update(created, after, 'controller', 'status');
    const entry = written.metadata.managedFields?.find(({ manager }) => manager === 'controller');
    expect(entry?.subresource).toBe('status');
    expect(entry?.fieldsV1).toEqual({ 'f:status': { 'f:replicas': {} } });
  });

  it('can be edited, and reset', () => {
    const managedFields = [{ manager: 'x', operation: 'Update', apiVersion: 'apps/v1', fieldsV1: {} }];
    const edited = { ...created, metadata: { ...created.metadata, managedFields } };
    expect(update(created, edited, 'y').metadata.managedFields).toBeUndefined();
    const reset = { ...created, metadata: { ...created.metadata, managedFields: [{}] } };
    expect(update(created, reset, 'y').metadata.managedFields).toBeUndefined();
  });

  it('are stored, even where nothing else changes', () => {
    const store = createStore();
    store.create('deployments', created as never);
    const managedFields = [
      { manager: 'kubectl', operation: 'Apply', apiVersion: 'apps/v1', fieldsV1: { 'f:spec': {} } },
    ];
    const migrate = (before: Any) => ({ ...before, metadata: { ...before.metadata, managedFields } });
    const stored = store.update(
      'deployments',
      'n',
      'a',
      (before) => update(before as never, migrate(before as never), 'x') as never,
    );
    expect(stored.metadata.managedFields).toMatchObject([{ manager: 'kubectl', operation: 'Apply' }]);
  });

  it('that are malformed are refused', () => {
    const managedFields = [{ manager: 'x', fieldsV1: { spec: {} } }];
    const bad = { ...created, metadata: { ...created.metadata, managedFields } };
    expect(refusal(() => update(created, bad, 'y')).code).toBe(400);
  });
});

describe('whatever is applied', () => {
  const data = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2'));
  const env = fc.uniqueArray(
    fc.record({ name: fc.constantFrom('A', 'B', 'C'), value: fc.constantFrom('1', '2') }),
    { selector: ({ name }) => name },
  );

  it('twice is the same as once', () => {
    holds(
      fc.property(env, env, (mine, yours) => {
        const first = apply(undefined, deployment({}, { env: yours }), { manager: 'you' });
        const once = apply(first, deployment({}, { env: mine }), { force: true });
        expect(apply(once, deployment({}, { env: mine }), { now: later })).toBe(once);
      }),
      { numRuns: 40 },
    );
  });

  it('leaves exactly what was applied last and what the other owns', () => {
    holds(
      fc.property(data, data, data, (yours, first, second) => {
        const other = apply(undefined, configMap(yours), { ...cm, manager: 'you' });
        const once = apply(other, configMap(first), { ...cm, force: true });
        const twice = apply(once, configMap(second), { ...cm, force: true });
        // What was forced from the other is no longer the other's.
        const kept = Object.entries(yours).filter(([key, value]) => !(key in first) || first[key] === value);
        expect(twice.data ?? {}).toEqual({ ...Object.fromEntries(kept), ...second });
      }),
      { numRuns: 60 },
    );
  });
});
