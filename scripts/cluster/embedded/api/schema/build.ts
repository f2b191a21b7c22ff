// The words that schemas are written in. Each makes a zod schema and notes its shape: what patches, field ownership,
// defaults and kubectl's OpenAPI ask about a field – is it a list, and by which key are its items the same?
import { z } from 'zod';
import type { ListKeys } from './lists.ts';

export type Schema = z.ZodType;

export type Shape =
  | { type: 'leaf' }
  /** `name` is Kubernetes' own, such as `PodSpec`. An atomic one has one owner and is replaced as a whole. */
  | { type: 'struct'; name: string; fields: ReadonlyMap<string, Schema>; atomic: boolean }
  | { type: 'map'; value: Schema; atomic: boolean }
  | { type: 'list'; item: Schema; keys: ListKeys };

const shapes = new WeakMap<Schema, Shape>();
const leaf: Shape = { type: 'leaf' };
export const shapeOf = (schema: Schema | undefined): Shape => (schema && shapes.get(schema)) ?? leaf;

/** Every struct by its name in OpenAPI, such as `io.k8s.api.core.v1.PodSpec`. */
export const components = z.registry<{ id: string }>();

type StructOptions = {
  atomic?: boolean;
  /** Only told in OpenAPI: that a value is missing is for validation to say, not for decoding. */
  required?: readonly string[];
  extensions?: Record<string, unknown>;
};

/** @param id without `io.k8s.`: `api.core.v1.PodSpec`. */
export function struct(
  id: string,
  fields: Record<string, Schema>,
  { atomic = false, required = [], extensions = {} }: StructOptions = {},
): Schema {
  const optional = Object.entries(fields).map(([name, schema]) => [name, schema.optional()] as const);
  const schema = z.strictObject(Object.fromEntries(optional)).meta({
    ...extensions,
    ...(atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    ...(required.length ? { required: [...required] } : {}),
  });
  const name = id.slice(id.lastIndexOf('.') + 1);
  shapes.set(schema, { type: 'struct', name, fields: new Map(Object.entries(fields)), atomic });
  components.add(schema, { id: `io.k8s.${id}` });
  return schema;
}

export function list(item: Schema, keys: ListKeys = { type: 'atomic' }): Schema {
  const schema = z.array(item).meta({
    'x-kubernetes-list-type': keys.type,
    ...(keys.type === 'map' ? { 'x-kubernetes-list-map-keys': [...keys.keys] } : {}),
    ...(keys.mergeKey ? { 'x-kubernetes-patch-merge-key': keys.mergeKey } : {}),
    ...(keys.strategy ? { 'x-kubernetes-patch-strategy': keys.strategy } : {}),
  });
  shapes.set(schema, { type: 'list', item, keys });
  return schema;
}

export function map(value: Schema, { atomic = false } = {}): Schema {
  const schema = z.record(z.string(), value).meta(atomic ? { 'x-kubernetes-map-type': 'atomic' } : {});
  shapes.set(schema, { type: 'map', value, atomic });
  return schema;
}

export const text = z.string();
export const bool = z.boolean();
export const int32 = z.int32();
export const int64 = z.int();
export const time = z.iso.datetime({ offset: true });
export const texts = list(text);
export const labels = map(text);
/** JSON that only its reader understands, such as `fieldsV1`. */
export const anything = z.record(z.string(), z.unknown());
export const intOrString = z
  .union([z.int32(), z.string()])
  .meta({ format: 'int-or-string', 'x-kubernetes-int-or-string': true });
export const quantity = z.union([z.string(), z.number()]);
const PKG = 'io.k8s.apimachinery.pkg';
components.add(intOrString, { id: `${PKG}.util.intstr.IntOrString` });
components.add(quantity, { id: `${PKG}.api.resource.Quantity` });
components.add(time, { id: `${PKG}.apis.meta.v1.Time` });

/** What the message of a value says that Kubernetes has and this provider does not. */
export const NOT_SUPPORTED = 'not supported';

/** @param others values that Kubernetes knows: they are refused by name. */
export const oneOf = (values: readonly [string, ...string[]], others: readonly string[] = []): Schema =>
  z.enum(values, {
    error: ({ input }) => {
      if (typeof input !== 'string') return `expected string`;
      if (others.includes(input)) return NOT_SUPPORTED;
      return `Unsupported value: ${JSON.stringify(input)}: supported values: ${values.map((value) => JSON.stringify(value)).join(', ')}`;
    },
  });
