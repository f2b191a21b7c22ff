// Server-side apply: an applier states what it wants, and owns it; what it no longer states, and nobody else owns, goes.
import { badRequest, invalid } from '../../errors.ts';
import { apiVersionOf, type Resource } from '../../resources.ts';
import { sameJson } from '../../same-json.ts';
import { assertFields } from '../fields.ts';
import { asList, asObject, isObject, type JsonObject, withoutNulls } from '../json.ts';
import { type Schema, shapeOf } from '../schema/build.ts';
import { schemaOf } from '../schema/index.ts';
import { difference, type FieldSet, isNone, NONE, sameSet, union, withStructs } from './field-set.ts';
import {
  assertNoConflicts,
  isSame,
  type Manager,
  managersOf,
  othersAfter,
  ownable,
  withManagers,
} from './managed-fields.ts';
import { compare, fieldSchema, fieldsOf, itemsOf, stepOf } from './typed.ts';

export type Apply = {
  manager: string;
  force?: boolean | undefined;
  subresource?: string | undefined;
  /** The time of the change, as on the wire. */
  now: string;
};

/**
 * @param current undefined when there is none yet: it is created.
 * @returns `current` itself when nothing changes, not even who owns what.
 * @throws ApiError 400 for a configuration that is none; 409 when another manager owns what is changed.
 */
export function applyConfiguration(
  resource: Resource,
  current: JsonObject | undefined,
  configuration: unknown,
  { manager, force = false, subresource = '', now }: Apply,
): JsonObject {
  const config = checkedConfiguration(resource, configuration, subresource);
  const schema = schemaOf(resource);
  const self = {
    manager,
    operation: 'Apply' as const,
    apiVersion: apiVersionOf(resource),
    subresource,
  };
  const known = current ? managersOrFirst(resource, current, now) : [];
  const mine = known.find((one) => isSame(one, self));
  const others = known.filter((one) => one !== mine);
  const set = ownable(resource, fieldsOf(schema, config), subresource);

  const merged = merge(schema, withoutManagers(current), config);
  const owned = others.reduce((all, other) => union(all, other.set), set);
  const dropped = difference(withStructs(mine?.set ?? NONE, schema), withStructs(owned, schema));
  const pruned = asObject(remove(schema, merged, dropped));

  const changes = compare(schema, withoutManagers(current) ?? {}, pruned);
  if (!force) assertNoConflicts(others, changes);
  const remaining = othersAfter(others, changes);
  const isSameAsBefore =
    current !== undefined &&
    mine !== undefined &&
    sameSet(mine.set, set) &&
    sameJson(pruned, withoutManagers(current));
  if (isSameAsBefore) return current;
  return withManagers(pruned, [...remaining, { ...self, time: now, set }]);
}

function checkedConfiguration(resource: Resource, given: unknown, subresource: string): JsonObject {
  if (!isObject(given)) throw badRequest('error decoding YAML: the configuration must be an object');
  const { kind, subresources } = resource;
  for (const field of ['apiVersion', 'kind'])
    if (!given[field]) throw badRequest(`Object '${field}' is missing in the configuration of a ${kind}`);
  assertFields(resource, given);
  const config = asObject(withoutNulls(given));
  if (asList(asObject(config.metadata).managedFields).length)
    throw badRequest('metadata.managedFields must be nil');
  assertUnique(schemaOf(resource), config, '');
  const { status, ...rest } = config;
  if (subresource === 'status') {
    const { apiVersion, metadata } = config;
    return { apiVersion, kind, metadata, ...(status === undefined ? {} : { status }) };
  }
  return subresources.includes('status') ? rest : config;
}

/** An object that nobody manages yet is taken for one that somebody has written: it is not overwritten unasked. */
function managersOrFirst(resource: Resource, current: JsonObject, now: string): Manager[] {
  const known = managersOf(current);
  if (known.length) return known;
  const set = ownable(resource, fieldsOf(schemaOf(resource), withoutManagers(current)));
  const apiVersion = apiVersionOf(resource);
  return [
    { manager: 'before-first-apply', operation: 'Update', apiVersion, subresource: '', time: now, set },
  ];
}

function withoutManagers(object: JsonObject | undefined): JsonObject | undefined {
  if (!object) return undefined;
  const { managedFields: _, ...metadata } = asObject(object.metadata);
  return { ...object, metadata };
}

function assertUnique(schema: Schema | undefined, value: unknown, path: string): void {
  const shape = shapeOf(schema);
  if (shape.type === 'list' && Array.isArray(value) && shape.keys.type !== 'atomic') {
    const seen = new Set<string>();
    for (const item of value) {
      const step = stepOf(shape, item);
      if (seen.has(step))
        throw badRequest(
          `failed to create typed patch object: ${path}: duplicate entries for key ${step.slice(2)}`,
        );
      seen.add(step);
      assertUnique(shape.item, item, path);
    }
  } else if (shape.type === 'struct' && isObject(value)) {
    for (const [key, part] of Object.entries(value))
      assertUnique(shape.fields.get(key), part, `${path}.${key}`);
  }
}

/** What is wanted over what is there. */
function merge(schema: Schema | undefined, live: unknown, wanted: unknown): unknown {
  const shape = shapeOf(schema);
  if (live === undefined || wanted === undefined) return wanted === undefined ? live : wanted;
  if (shape.type === 'list') {
    const [there, asked] = [itemsOf(shape, live), itemsOf(shape, wanted)];
    return there && asked ? mergeItems(shape.item, there, asked) : wanted;
  }
  if (shape.type === 'leaf' || shape.atomic || !isObject(live) || !isObject(wanted)) return wanted;
  const keys = new Set([...Object.keys(live), ...Object.keys(wanted)]);
  return Object.fromEntries(
    Array.from(keys, (key) => [key, merge(fieldSchema(shape, key), live[key], wanted[key])] as const),
  );
}

/** In the order that is wanted; items of others stay where they were among them. */
function mergeItems(schema: Schema, there: Map<string, unknown>, asked: Map<string, unknown>): unknown[] {
  const result: unknown[] = [];
  const waiting = [...asked];
  const placed = new Set<string>();
  const place = () => {
    const next = waiting.shift();
    if (!next) return;
    placed.add(next[0]);
    result.push(merge(schema, there.get(next[0]), next[1]));
  };
  for (const [step, item] of there) {
    if (!asked.has(step)) result.push(item);
    else if (!placed.has(step)) place();
  }
  while (waiting.length) place();
  return result;
}

/** Without the members of `gone`, and all that is within them. */
function remove(schema: Schema | undefined, value: unknown, gone: FieldSet): unknown {
  if (isNone(gone)) return value;
  const shape = shapeOf(schema);
  const items = itemsOf(shape, value);
  if (shape.type === 'list' && items) {
    const kept = [...items].filter(([step]) => !gone.children.get(step)?.member);
    return kept.map(([step, item]) => remove(shape.item, item, gone.children.get(step) ?? NONE));
  }
  if (!isObject(value) || shape.type === 'leaf' || shape.type === 'list') return value;
  const kept = Object.entries(value).filter(([key]) => !gone.children.get(`f:${key}`)?.member);
  return Object.fromEntries(
    kept.map(([key, part]) => [
      key,
      remove(fieldSchema(shape, key), part, gone.children.get(`f:${key}`) ?? NONE),
    ]),
  );
}

/** @throws ApiError 422 when an apply does not say by whom. */
export function assertManager(resource: Resource, manager: string | undefined): string {
  if (manager) return manager;
  const { group } = resource;
  throw invalid({ ...resource, kind: 'PatchOptions', group: group && 'meta.k8s.io' }, '', [
    {
      field: 'fieldManager',
      message: 'Required value: is required for apply patch',
      reason: 'FieldValueRequired',
    },
  ]);
}
