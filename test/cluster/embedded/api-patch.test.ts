import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withDefaults } from '../../../scripts/cluster/embedded/api/defaults.ts';
import { patchObject } from '../../../scripts/cluster/embedded/api/patch/index.ts';
import { ApiError } from '../../../scripts/cluster/embedded/errors.ts';
import { resources } from '../../../scripts/cluster/embedded/resources.ts';
import { holds } from '../../support/property.ts';

const { configmaps, deployments, pods } = resources;
const now = '2026-11-22T00:00:00Z';
const JSON_PATCH = 'application/json-patch+json';
const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';

const patched = (current: object, type: string, patch: unknown, resource = deployments) =>
  patchObject(resource, current, type, JSON.stringify(patch), { now });

function refusal(act: () => unknown): ApiError {
  try {
    act();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

const withContainers = (...containers: object[]) => ({ spec: { template: { spec: { containers } } } });
const a = { name: 'a', image: 'a:1', args: ['1'] };
const b = { name: 'b', image: 'b:1' };

describe('a JSON patch', () => {
  const object = { metadata: { name: 'a' }, spec: { replicas: 1 } };

  it('does its operations, and leaves the object as it was', () => {
    const patch = [
      { op: 'test', path: '/spec/replicas', value: 1 },
      { op: 'replace', path: '/spec/replicas', value: 2 },
    ];
    expect(patched(object, JSON_PATCH, patch)).toEqual({ ...object, spec: { replicas: 2 } });
    expect(object.spec.replicas).toBe(1);
  });

  it.each([
    ['a test that fails', [{ op: 'test', path: '/spec/replicas', value: 9 }], 422],
    ['a path that is not there', [{ op: 'remove', path: '/spec/other' }], 422],
    ['no operation', [{ op: 'jump', path: '/spec' }], 422],
    ['the prototype', [{ op: 'add', path: '/__proto__/polluted', value: 1 }], 422],
    ['no list', { op: 'remove' }, 400],
    ['many copies', Array.from({ length: 40 }, () => ({ op: 'copy', from: '', path: '/spec/x' })), 413],
  ])('is refused: %s', (_what, patch, code) => {
    expect(refusal(() => patched(object, JSON_PATCH, patch)).code).toBe(code);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('that is not JSON is refused', () => {
    expect(refusal(() => patchObject(deployments, object, JSON_PATCH, '[{', { now })).code).toBe(400);
  });

  it('of an unknown kind is refused', () => {
    const error = refusal(() => patched(object, 'application/json', {}));
    expect([error.code, error.reason]).toEqual([415, 'UnsupportedMediaType']);
  });
});

describe('a merge patch', () => {
  it('merges objects, replaces lists, and removes what is null', () => {
    const object = { metadata: { labels: { a: '1', b: '2' } }, spec: { list: [1, 2], deep: { x: 1 } } };
    const patch = {
      metadata: { labels: { a: null, c: '3' } },
      spec: { list: [3], deep: { y: { z: null } } },
    };
    expect(patched(object, MERGE, patch)).toEqual({
      metadata: { labels: { b: '2', c: '3' } },
      spec: { list: [3], deep: { x: 1, y: {} } },
    });
  });
});

describe('a strategic merge patch', () => {
  it('merges containers by their name', () => {
    const object = withContainers(a, b);
    const result = patched(object, STRATEGIC, withContainers({ name: 'b', image: 'b:2' }, { name: 'c' }));
    expect(result).toEqual(withContainers(a, { name: 'b', image: 'b:2' }, { name: 'c' }));
  });

  it('replaces atomic lists', () => {
    const result = patched(withContainers(a), STRATEGIC, withContainers({ name: 'a', args: ['2'] }));
    expect(result).toEqual(withContainers({ ...a, args: ['2'] }));
  });

  it('merges env, ports and mounts by their keys', () => {
    const env = [{ name: 'X', value: '1' }];
    const ports = [{ containerPort: 1, name: 'one' }];
    const volumeMounts = [{ mountPath: '/a', name: 'a' }];
    const patch = {
      name: 'a',
      env: [{ name: 'Y', value: '2' }],
      ports: [{ containerPort: 1, name: 'uno' }],
      volumeMounts: [{ mountPath: '/a', name: 'b' }],
    };
    expect(
      patched(withContainers({ ...a, env, ports, volumeMounts }), STRATEGIC, withContainers(patch)),
    ).toEqual(
      withContainers({
        ...a,
        env: [...env, { name: 'Y', value: '2' }],
        ports: [{ containerPort: 1, name: 'uno' }],
        volumeMounts: [{ mountPath: '/a', name: 'b' }],
      }),
    );
  });

  it('deletes an item by $patch: delete', () => {
    const result = patched(withContainers(a, b), STRATEGIC, withContainers({ name: 'a', $patch: 'delete' }));
    expect(result).toEqual(withContainers(b));
  });

  it('replaces a list by $patch: replace', () => {
    const result = patched(
      withContainers(a, b),
      STRATEGIC,
      withContainers({ name: 'c' }, { $patch: 'replace' }),
    );
    expect(result).toEqual(withContainers({ name: 'c' }));
  });

  it('replaces a map by $patch: replace, and empties it by delete', () => {
    const object = { data: { a: '1', b: '2' } };
    expect(patched(object, STRATEGIC, { data: { $patch: 'replace', c: '3' } }, configmaps)).toEqual({
      data: { c: '3' },
    });
    expect(patched(object, STRATEGIC, { data: { $patch: 'delete' } }, configmaps)).toEqual({ data: {} });
  });

  it('takes from and adds to lists of plain values', () => {
    const object = { metadata: { finalizers: ['a', 'b'] } };
    const patch = { metadata: { finalizers: ['c', 'b'], '$deleteFromPrimitiveList/finalizers': ['a'] } };
    expect(patched(object, STRATEGIC, patch, pods)).toEqual({ metadata: { finalizers: ['b', 'c'] } });
    const only = { metadata: { '$deleteFromPrimitiveList/finalizers': ['b'] } };
    expect(patched(object, STRATEGIC, only, pods)).toEqual({ metadata: { finalizers: ['a'] } });
  });

  it('keeps only the keys of $retainKeys', () => {
    const object = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } };
    const patch = { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } };
    expect(patched(object, STRATEGIC, patch)).toEqual({ spec: { strategy: { type: 'Recreate' } } });
  });

  it('orders items by $setElementOrder, with those of others in their places', () => {
    const env = (...names: string[]) => withContainers({ name: 'a', env: names.map((name) => ({ name })) });
    const order = (...names: string[]) =>
      withContainers({ name: 'a', '$setElementOrder/env': names.map((name) => ({ name })) });
    expect(patched(env('x', 'server', 'y'), STRATEGIC, order('y', 'x'))).toEqual(env('server', 'y', 'x'));
    expect(patched(env('server', 'x', 'y'), STRATEGIC, order('y', 'x'))).toEqual(env('server', 'y', 'x'));
    expect(patched(env('x', 'y', 'server'), STRATEGIC, order('y', 'x'))).toEqual(env('y', 'x', 'server'));
  });

  it('knows conditions by their type', () => {
    const object = { status: { conditions: [{ type: 'Ready', status: 'True' }] } };
    const patch = { status: { conditions: [{ type: 'Ready', status: 'False' }] } };
    expect(patched(object, STRATEGIC, patch, pods)).toEqual(patch);
  });

  it.each([
    ['an item without its key', withContainers({ image: 'x' }), 'does not contain declared merge key: name'],
    ['an unknown directive', { spec: { $patch: 'jump' } }, 'unknown patch type "jump" in map'],
    ['plain values among items', { spec: { template: { spec: { containers: ['a'] } } } }, 'list of objects'],
    ['an order that is no list', { spec: { '$setElementOrder/x': 1, x: [] } }, 'must be a list'],
  ])('is refused: %s', (_what, patch, message) => {
    const error = refusal(() => patched(withContainers(a), STRATEGIC, patch));
    expect(error.code).toBe(400);
    expect(error.message).toContain(message);
  });

  it('of the difference of two objects makes the one into the other', () => {
    const value = fc.constantFrom('1', '2', '3');
    const env = fc.uniqueArray(fc.record({ name: fc.constantFrom('A', 'B', 'C', 'D'), value }), {
      selector: ({ name }) => name,
    });
    const labels = fc.dictionary(fc.constantFrom('x', 'y', 'z'), value);
    const container = fc.record({ name: fc.constantFrom('a', 'b', 'c'), image: value, env });
    const containers = fc.uniqueArray(container, { selector: ({ name }) => name });
    const object = fc.record({ labels, containers, replicas: fc.nat(3) }).map((made) => ({
      metadata: { labels: made.labels },
      spec: { replicas: made.replicas, template: { spec: { containers: made.containers } } },
    }));
    holds(
      fc.property(object, object, (before, after) => {
        expect(patched(before, STRATEGIC, difference(before, after))).toEqual(after);
      }),
    );
  });
});

/** The strategic merge patch from one to the other, as kubectl makes it; lists here have the key `name`. */
function difference(before: object, after: object): object {
  const patch: Record<string, unknown> = {};
  const from = before as Record<string, unknown>;
  const to = after as Record<string, unknown>;
  for (const key of Object.keys(from)) if (!(key in to)) patch[key] = null;
  for (const [key, value] of Object.entries(to)) {
    const old = from[key];
    if (JSON.stringify(old) === JSON.stringify(value)) continue;
    if (Array.isArray(value)) Object.assign(patch, listDifference(key, Array.isArray(old) ? old : [], value));
    else patch[key] = typeof value === 'object' && value ? difference((old ?? {}) as object, value) : value;
  }
  return patch;
}

type Item = { name: string };
function listDifference(key: string, before: Item[], after: Item[]): object {
  const gone = before.filter(({ name }) => !after.some((item) => item.name === name));
  const items = after.map((item) => {
    const old = before.find(({ name }) => name === item.name);
    return { ...(old ? difference(old, item) : item), name: item.name };
  });
  const order = { [`$setElementOrder/${key}`]: after.map(({ name }) => ({ name })) };
  return { ...order, [key]: [...items, ...gone.map(({ name }) => ({ name, $patch: 'delete' }))] };
}

describe('any patch', () => {
  const current = withDefaults(deployments, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'a', namespace: 'n', labels: { app: 'a' } },
    ...withContainers(a, b),
  });
  const key = fc.constantFrom(
    ...[
      'metadata',
      'spec',
      'template',
      'containers',
      'name',
      'labels',
      'env',
      'ports',
      'op',
      'path',
      '__proto__',
    ],
    ...[
      '$patch',
      '$retainKeys',
      '$setElementOrder/containers',
      '$deleteFromPrimitiveList/finalizers',
      'kind',
    ],
  );
  const leaf = fc.oneof(
    fc.constantFrom('delete', 'replace', 'a', 'apps/v1', 'Deployment', '/spec', 'add', 'test'),
    fc.integer(),
    fc.constant(null),
    fc.boolean(),
  );
  const { json } = fc.letrec<{ json: unknown }>((tie) => ({
    json: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(tie('json'), { maxLength: 3 }),
      fc.dictionary(key, tie('json'), { maxKeys: 5 }),
    ),
  }));
  const types = [JSON_PATCH, MERGE, STRATEGIC, 'application/apply-patch+yaml'];
  const options = { now, fieldManager: 'fuzz' };

  it('is done, or refused with a status below 500', () => {
    const body = fc.oneof(
      json.map((value) => JSON.stringify(value)),
      fc.string(),
    );
    holds(
      fc.property(fc.constantFrom(...types), body, (type, text) => {
        const before = JSON.stringify(current);
        try {
          patchObject(deployments, current, type, text, options);
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError);
          expect((error as ApiError).code).toBeLessThan(500);
        }
        expect(JSON.stringify(current)).toBe(before);
      }),
      { numRuns: 500 },
    );
  });

  it('nested very deeply is refused', () => {
    const deep = `${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}`;
    for (const type of types) {
      expect(refusal(() => patchObject(deployments, current, type, deep, options)).code).toBe(400);
    }
  });
});
