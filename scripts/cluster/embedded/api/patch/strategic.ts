// Strategic merge patches: merge patches that know which lists are merged, and by which key.
import { badRequest } from '../../errors.ts';
import { sameJson } from '../../same-json.ts';
import { asList, asObject, hasOwn, isObject, type JsonObject } from '../json.ts';
import { type Schema, type Shape, shapeOf } from '../schema/build.ts';
import { fieldSchema } from './typed.ts';

const PATCH = '$patch';
const RETAIN = '$retainKeys';
const ORDER = '$setElementOrder/';
const DELETE = '$deleteFromPrimitiveList/';

const isDirective = (key: string): boolean =>
  key === PATCH || key === RETAIN || key.startsWith(ORDER) || key.startsWith(DELETE);

/** @throws ApiError 400 when the patch is malformed. */
export function strategicMerge(schema: Schema | undefined, current: unknown, patch: JsonObject): JsonObject {
  const directive = patch[PATCH];
  if (directive === 'replace') return plain(patch);
  if (directive === 'delete') return {};
  if (hasOwn(patch, PATCH) && directive !== 'merge')
    throw badRequest(`unknown patch type "${String(directive)}" in map: ${JSON.stringify(patch)}`);
  const shape = shapeOf(schema);
  const base = retained(asObject(current), patch);
  const result = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(patch)) {
    if (isDirective(key)) continue;
    if (value === null) result.delete(key);
    else result.set(key, mergeValue(fieldSchema(shape, key), base[key], value, directivesOf(patch, key)));
  }
  for (const key of Object.keys(patch)) {
    const field = key.startsWith(ORDER)
      ? key.slice(ORDER.length)
      : key.startsWith(DELETE)
        ? key.slice(DELETE.length)
        : '';
    if (!field || hasOwn(patch, field) || !Array.isArray(base[field])) continue;
    result.set(field, mergeList(fieldSchema(shape, field), base[field], [], directivesOf(patch, field)));
  }
  return Object.fromEntries(result);
}

function retained(current: JsonObject, patch: JsonObject): JsonObject {
  if (!hasOwn(patch, RETAIN)) return current;
  const keys = patch[RETAIN];
  if (!Array.isArray(keys)) throw badRequest('invalid patch format of retainKeys: it must be a list');
  for (const key of Object.keys(patch)) {
    if (!isDirective(key) && patch[key] !== null && !keys.includes(key))
      throw badRequest(`the key "${key}" of the patch is not in its $retainKeys list`);
  }
  return Object.fromEntries(Object.entries(current).filter(([key]) => keys.includes(key)));
}

type Directives = { order?: readonly unknown[] | undefined; deleted: readonly unknown[] };

function directivesOf(patch: JsonObject, key: string): Directives {
  const listAt = (directive: string): readonly unknown[] | undefined => {
    if (!hasOwn(patch, directive)) return undefined;
    const value = patch[directive];
    if (!Array.isArray(value)) throw badRequest(`invalid patch format: ${directive} must be a list`);
    return value;
  };
  return { order: listAt(ORDER + key), deleted: listAt(DELETE + key) ?? [] };
}

function mergeValue(
  schema: Schema | undefined,
  current: unknown,
  value: unknown,
  directives: Directives,
): unknown {
  if (isObject(value)) return strategicMerge(schema, isObject(current) ? current : {}, value);
  if (Array.isArray(value)) return mergeList(schema, asList(current), value, directives);
  return value;
}

const mergesItems = (shape: Shape): shape is Shape & { type: 'list' } =>
  shape.type === 'list' && (shape.keys.strategy?.startsWith('merge') ?? false);

function mergeList(
  schema: Schema | undefined,
  current: readonly unknown[],
  patch: readonly unknown[],
  { order, deleted }: Directives,
): unknown[] {
  const shape = shapeOf(schema);
  const item = shape.type === 'list' ? shape.item : undefined;
  if (!mergesItems(shape)) return patch.map(plainValue);
  const { mergeKey } = shape.keys;
  if (!mergeKey) {
    const kept = current.filter((value) => !deleted.some((gone) => sameJson(gone, value)));
    const added = patch.filter((value) => !kept.some((known) => sameJson(known, value)));
    return inOrder([...kept, ...new Set(added)], order, current, (value) => value);
  }
  const keyOf = (value: unknown): unknown => asObject(value)[mergeKey];
  for (const value of [...patch, ...(order ?? [])])
    if (!isObject(value)) throw badRequest('unable to merge a list of objects with a list of other values');
  const wanted = patch.map(asObject).filter((value) => value[PATCH] !== 'delete');
  const replacing = patch.some((value) => asObject(value)[PATCH] === 'replace');
  // `{"$patch": "replace"}` is an item of its own, or a mark on one that stays.
  const items = wanted.filter((value) => !replacing || Object.keys(value).some((key) => key !== PATCH));
  for (const value of patch.map(asObject)) {
    const isMark = value[PATCH] === 'replace' && !hasOwn(value, mergeKey);
    if (!isMark && (keyOf(value) === undefined || keyOf(value) === null))
      throw badRequest(`map: ${JSON.stringify(value)} does not contain declared merge key: ${mergeKey}`);
  }
  if (replacing) return items.map(plain);
  const gone = patch.filter((value) => asObject(value)[PATCH] === 'delete').map(keyOf);
  const kept = current.filter((value) => !gone.some((key) => sameJson(key, keyOf(value))));
  const result = [...kept];
  for (const value of items) {
    const place = result.findIndex((known) => sameJson(keyOf(known), keyOf(value)));
    if (place < 0) result.push(strategicMerge(item, {}, value));
    else result[place] = strategicMerge(item, result[place], value);
  }
  return inOrder(result, order, current, keyOf);
}

/** Items of the patch in the order that it sets; the others keep their places among them. */
function inOrder(
  items: readonly unknown[],
  order: readonly unknown[] | undefined,
  before: readonly unknown[],
  keyOf: (value: unknown) => unknown,
): unknown[] {
  if (!order) return [...items];
  const indexIn = (list: readonly unknown[], value: unknown) =>
    list.findIndex((known) => sameJson(keyOf(known), keyOf(value)));
  const ordered = items.filter((value) => indexIn(order, value) >= 0);
  ordered.sort((a, b) => indexIn(order, a) - indexIn(order, b));
  const others = items.filter((value) => indexIn(order, value) < 0);
  const result: unknown[] = [];
  while (others.length && ordered.length) {
    const [left, right] = [indexIn(before, others[0]), indexIn(before, ordered[0])];
    const next = left >= 0 && right >= 0 && left < right ? others : ordered;
    result.push(next.shift());
  }
  return [...result, ...others, ...ordered];
}

/** What a patch says, without its directives and its nulls. */
function plainValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainValue);
  return isObject(value) ? plain(value) : value;
}
function plain(patch: JsonObject): JsonObject {
  const kept = Object.entries(patch).filter(([key, part]) => !isDirective(key) && part !== null);
  return Object.fromEntries(kept.map(([key, part]) => [key, plainValue(part)]));
}
