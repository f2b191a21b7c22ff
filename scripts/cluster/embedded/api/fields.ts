// Which fields an object may have: everything else is refused by name, whatever `fieldValidation` was asked for.
import type { z } from 'zod';
import { badRequest, type Cause, invalid } from '../errors.ts';
import type { Resource } from '../resources.ts';
import { asObject, asText, isObject, withoutNulls } from './json.ts';
import { NOT_SUPPORTED, type Schema, shapeOf } from './schema/build.ts';
import { schemaOf } from './schema/index.ts';
import { inertFields, inertLabels, unsupportedFields } from './schema/known.ts';

export type FieldCheck = {
  /** Paths of fields that Kubernetes does not have either: `spec.template.spec.containers[0].imag`. */
  unknown: string[];
  /** What Kubernetes has and this provider has not: a field, or a field with its value. */
  unsupported: string[];
  invalidTypes: Cause[];
  /** Values that are not among those of their field. */
  invalidValues: Cause[];
};

/** An object as it will be stored: without nulls, and without unsupported fields that are empty. */
export function cleaned(resource: Resource, object: unknown): unknown {
  return withoutEmptyUnsupported(schemaOf(resource), withoutNulls(object));
}

export function checkFields(resource: Resource, object: unknown): FieldCheck {
  const check: FieldCheck = { unknown: [], unsupported: [], invalidTypes: [], invalidValues: [] };
  const root = cleaned(resource, object);
  const result = schemaOf(resource).safeParse(root);
  for (const issue of result.error?.issues ?? []) sort(check, resource, root, issue);
  return check;
}

/**
 * @throws ApiError 400 in Kubernetes' words for unknown fields and wrong types, and in ours for what is not supported;
 * 422 for values that are not among those of their field.
 */
export function assertFields(resource: Resource, object: unknown): void {
  const { kind, version } = resource;
  const { unknown, unsupported, invalidTypes, invalidValues } = checkFields(resource, object);
  const refused = (why: string) =>
    badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${why}`);
  const [wrong] = invalidTypes;
  if (wrong) throw refused(`json: ${wrong.message}`);
  const why = [
    ...unknown.map((path) => `unknown field ${JSON.stringify(path)}`),
    ...unsupported.map((path) => `${path} is not supported by the embedded provider`),
  ];
  if (why.length) throw refused(`strict decoding error: ${why.join(', ')}`);
  const name = asText(asObject(asObject(object).metadata).name);
  if (invalidValues.length) throw invalid(resource, name, invalidValues);
}

function sort(check: FieldCheck, resource: Resource, root: unknown, issue: z.core.$ZodIssue): void {
  const path = issue.path as (string | number)[];
  const field = pathText(path);
  if (issue.code === 'unrecognized_keys') {
    const owner = structAt(schemaOf(resource), path);
    for (const key of issue.keys) {
      const full = pathText([...path, key]);
      if (unsupportedFields[owner]?.includes(key)) check.unsupported.push(JSON.stringify(full));
      else check.unknown.push(full);
    }
    return;
  }
  const value = path.reduce<unknown>((found, key) => (found as Record<string, unknown>)?.[key], root);
  if (issue.code === 'invalid_value' && typeof value === 'string') {
    if (issue.message === NOT_SUPPORTED) check.unsupported.push(`${field}: ${JSON.stringify(value)}`);
    else check.invalidValues.push({ field, message: issue.message, reason: 'FieldValueNotSupported' });
    return;
  }
  const message = `cannot unmarshal ${jsonType(value)} into Go struct field ${kindPath(resource, field)} of type ${goType(issue)}`;
  check.invalidTypes.push({ field, message, reason: 'FieldValueTypeInvalid' });
}

const kindPath = (resource: Resource, field: string) => `${resource.kind}.${field}`;

function jsonType(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'number' && !Number.isInteger(value) ? `number ${value}` : typeof value;
}

const goTypes: Readonly<Record<string, string>> = {
  array: 'list',
  boolean: 'bool',
  int: 'int32',
  number: 'int32',
  object: 'object',
  record: 'map[string]string',
  string: 'string',
};

function goType(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return goTypes[issue.expected] ?? issue.expected;
  if (issue.code === 'invalid_union') return 'intstr.IntOrString';
  if (issue.code === 'invalid_format') return 'v1.Time';
  return issue.code === 'too_big' || issue.code === 'too_small' ? 'int32' : 'string';
}

/** `spec.containers[0].name` */
export const pathText = (path: readonly (string | number)[]): string =>
  path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`))
    .join('')
    .replace(/^\./, '');

/** The name of the struct at a path; '' where there is none. */
function structAt(schema: Schema, path: readonly (string | number)[]): string {
  let here: Schema | undefined = schema;
  for (const key of path) {
    const shape = shapeOf(here);
    if (shape.type === 'struct') here = shape.fields.get(String(key));
    else if (shape.type === 'list') here = shape.item;
    else here = shape.type === 'map' ? shape.value : undefined;
  }
  const shape = shapeOf(here);
  return shape.type === 'struct' ? shape.name : '';
}

const isEmpty = (value: unknown): boolean =>
  value === null ||
  value === false ||
  value === '' ||
  (Array.isArray(value) && value.length === 0) ||
  (isObject(value) && Object.keys(value).length === 0);

function withoutEmptyUnsupported(schema: Schema | undefined, value: unknown): unknown {
  const shape = shapeOf(schema);
  if (shape.type === 'list' && Array.isArray(value)) {
    return value.map((item) => withoutEmptyUnsupported(shape.item, item));
  }
  if (shape.type !== 'struct' || !isObject(value)) return value;
  const unsupported = unsupportedFields[shape.name] ?? [];
  const kept = Object.entries(value).filter(([key, item]) => !(unsupported.includes(key) && isEmpty(item)));
  return Object.fromEntries(
    kept.map(([key, item]) => [key, withoutEmptyUnsupported(shape.fields.get(key), item)]),
  );
}

/**
 * The fields and labels that an object uses and that have no effect here, each with the reason:
 * `spec.template.spec.containers[].resources (processes share the machine without limits)`.
 */
export function inertFieldsIn(resource: Resource, object: unknown): string[] {
  const found = new Set<string>();
  const labels = asObject(asObject(asObject(object).metadata).labels);
  for (const [prefix, why] of Object.entries(inertLabels)) {
    if (Object.keys(labels).some((label) => label.startsWith(prefix)))
      found.add(`metadata.labels ${prefix}* (${why})`);
  }
  collectInert(schemaOf(resource), withoutNulls(object), '', found);
  return [...found];
}

function collectInert(schema: Schema | undefined, value: unknown, path: string, found: Set<string>): void {
  const shape = shapeOf(schema);
  if (shape.type === 'list' && Array.isArray(value)) {
    for (const item of value) collectInert(shape.item, item, `${path}[]`, found);
  }
  if (shape.type !== 'struct' || !isObject(value)) return;
  const inert = inertFields[shape.name] ?? {};
  for (const [key, item] of Object.entries(value)) {
    const field = path ? `${path}.${key}` : key;
    const entry = Object.hasOwn(inert, key) ? inert[key] : undefined;
    if (entry && !isEmpty(item) && item !== entry.unless) found.add(`${field} (${entry.why})`);
    if (!entry) collectInert(shape.fields.get(key), item, field, found);
  }
}
