// Objects as sets of fields: which ones an object has, and which ones differ between two.
import { badRequest } from '../../errors.ts';
import { sameJson } from '../../same-json.ts';
import { asObject, isObject, type JsonObject } from '../json.ts';
import { type Schema, type Shape, shapeOf } from '../schema/build.ts';
import { type FieldSet, MEMBER, NONE, setOf } from './field-set.ts';

/** Items of a list by their step, in their order; undefined where the list is one value. */
export function itemsOf(shape: Shape, value: unknown): Map<string, unknown> | undefined {
  if (shape.type !== 'list' || shape.keys.type === 'atomic' || !Array.isArray(value)) return undefined;
  return new Map(value.map((item) => [stepOf(shape, item), item]));
}

/** @throws ApiError 400 when an item is without its key. */
export function stepOf(shape: Shape & { type: 'list' }, item: unknown): string {
  const { keys } = shape;
  if (keys.type !== 'map') return `v:${JSON.stringify(item)}`;
  const given = asObject(item);
  const values = [...keys.keys].sort().map((key) => {
    const value = given[key] ?? keys.defaults?.[key];
    if (value === undefined || typeof value === 'object')
      throw badRequest(
        `associative list with keys has an element that omits key field ${JSON.stringify(key)}`,
      );
    return [key, value] as const;
  });
  return `k:${JSON.stringify(Object.fromEntries(values))}`;
}

const isAtomic = (shape: Shape): boolean =>
  shape.type === 'leaf' || (shape.type === 'list' ? shape.keys.type === 'atomic' : shape.atomic);

/** Parts of a value by their step, each with its schema; undefined where it is one value. */
function partsOf(
  shape: Shape,
  value: unknown,
): Map<string, readonly [unknown, Schema | undefined]> | undefined {
  if (isAtomic(shape) || value === undefined) return undefined;
  if (shape.type === 'list') {
    const items = itemsOf(shape, value);
    return items && new Map(Array.from(items, ([step, item]) => [step, [item, shape.item] as const]));
  }
  if (!isObject(value)) return undefined;
  return new Map(
    Object.entries(value).map(([key, part]) => [`f:${key}`, [part, fieldSchema(shape, key)] as const]),
  );
}

export function fieldSchema(shape: Shape, key: string): Schema | undefined {
  if (shape.type === 'struct') return shape.fields.get(key);
  return shape.type === 'map' ? shape.value : undefined;
}

const isEmptyObject = (value: unknown): boolean => isObject(value) && Object.keys(value).length === 0;

/** Every field that an object has: what its applier owns. */
export function fieldsOf(schema: Schema | undefined, value: unknown): FieldSet {
  const shape = shapeOf(schema);
  const parts = partsOf(shape, value);
  if (!parts) return MEMBER;
  return setOf(
    false,
    Array.from(parts, ([step, [part, partSchema]]) => {
      const set = fieldsOf(partSchema, part);
      // Items and entries may come and go: who has something in them has them, too.
      const owned = shape.type !== 'struct' || isEmptyObject(part);
      return [step, owned ? { ...set, member: true } : set] as const;
    }),
  );
}

export type Changes = { added: FieldSet; modified: FieldSet; removed: FieldSet };
const SAME: Changes = { added: NONE, modified: NONE, removed: NONE };

export function compare(schema: Schema | undefined, before: unknown, after: unknown): Changes {
  if (before === undefined && after === undefined) return SAME;
  const shape = shapeOf(schema);
  const was = partsOf(shape, before);
  const is = partsOf(shape, after);
  const areParts = (was || before === undefined) && (is || after === undefined);
  if (isAtomic(shape) || !areParts || (!was?.size && !is?.size)) {
    if (before === undefined) return { ...SAME, added: MEMBER };
    if (after === undefined) return { ...SAME, removed: MEMBER };
    return sameJson(before, after) ? SAME : { ...SAME, modified: MEMBER };
  }
  const steps = [...new Set([...(was?.keys() ?? []), ...(is?.keys() ?? [])])];
  const within = steps.map((step) => {
    const [old, oldSchema] = was?.get(step) ?? [];
    const [now, nowSchema] = is?.get(step) ?? [];
    return [step, compare(oldSchema ?? nowSchema, old, now)] as const;
  });
  const only = (which: keyof Changes, member: boolean) =>
    setOf(
      member,
      within.map(([step, changes]) => [step, changes[which]] as const),
    );
  return {
    added: only('added', before === undefined),
    modified: only('modified', false),
    removed: only('removed', after === undefined),
  };
}

/** Structs that are there before anybody has set them: nobody owns them. */
const alwaysThere = ['metadata', 'spec', 'status', 'strategy', 'template'];

/** What an object is compared with when it is created. */
export function emptyObject(schema: Schema): JsonObject {
  const shape = shapeOf(schema);
  if (shape.type !== 'struct') return {};
  const fields = [...shape.fields].flatMap(([key, field]): [string, unknown][] => {
    if (key === 'containers') return [[key, []]];
    return alwaysThere.includes(key) ? [[key, emptyObject(field)]] : [];
  });
  return Object.fromEntries(fields);
}
