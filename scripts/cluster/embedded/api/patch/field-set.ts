// Sets of fields, and their form in `metadata.managedFields`: `{"f:spec":{"f:replicas":{}}}`.
import { badRequest } from '../../errors.ts';
import { hasOwn, isObject, type JsonObject } from '../json.ts';
import { type Schema, shapeOf } from '../schema/build.ts';

/** A path's steps are written as `fieldsV1` has them: `f:spec`, `k:{"name":"a"}`, `v:"x"`. */
export type FieldSet = {
  /** The field itself, not only something within it. */
  readonly member: boolean;
  readonly children: ReadonlyMap<string, FieldSet>;
};

export const NONE: FieldSet = { member: false, children: new Map() };
export const MEMBER: FieldSet = { member: true, children: new Map() };

export const isNone = ({ member, children }: FieldSet): boolean => !member && children.size === 0;

export const setOf = (member: boolean, children: Iterable<readonly [string, FieldSet]>): FieldSet => ({
  member,
  children: new Map([...children].filter(([, child]) => !isNone(child))),
});

export function union(a: FieldSet, b: FieldSet): FieldSet {
  const keys = new Set([...a.children.keys(), ...b.children.keys()]);
  return setOf(
    a.member || b.member,
    Array.from(
      keys,
      (key) => [key, union(a.children.get(key) ?? NONE, b.children.get(key) ?? NONE)] as const,
    ),
  );
}

/** Exactly the members of `b` are taken away, not what is within them. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return setOf(
    a.member && !b.member,
    Array.from(a.children, ([key, child]) => [key, difference(child, b.children.get(key) ?? NONE)] as const),
  );
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return setOf(
    a.member && b.member,
    Array.from(
      a.children,
      ([key, child]) => [key, intersection(child, b.children.get(key) ?? NONE)] as const,
    ),
  );
}

export const without = (set: FieldSet, steps: readonly string[]): FieldSet =>
  setOf(
    set.member,
    [...set.children].filter(([key]) => !steps.includes(key)),
  );

export const sameSet = (a: FieldSet, b: FieldSet): boolean =>
  a.member === b.member &&
  a.children.size === b.children.size &&
  [...a.children].every(([key, child]) => sameSet(child, b.children.get(key) ?? NONE));

/** With the structs that have a member within them: who sets a field of a struct has set the struct. */
export function withStructs(set: FieldSet, schema: Schema | undefined): FieldSet {
  const shape = shapeOf(schema);
  const fieldOf = (step: string) => (shape.type === 'struct' ? shape.fields.get(step.slice(2)) : undefined);
  return setOf(
    set.member,
    Array.from(set.children, ([step, child]) => {
      const field = step.startsWith('f:') ? fieldOf(step) : undefined;
      const item = shape.type === 'list' ? shape.item : shape.type === 'map' ? shape.value : undefined;
      const full = withStructs(child, field ?? item);
      return [step, field ? { ...full, member: true } : full] as const;
    }),
  );
}

/** Every member, as steps. */
export function membersOf(set: FieldSet, path: readonly string[] = []): (readonly string[])[] {
  const own = set.member ? [path] : [];
  return [...own, ...[...set.children].flatMap(([step, child]) => membersOf(child, [...path, step]))];
}

/** `.spec.containers[name="a"].image`, as Kubernetes' conflicts name a field. */
export const pathOf = (steps: readonly string[]): string =>
  steps
    .map((step) => {
      const value = step.slice(2);
      if (step.startsWith('f:')) return `.${value}`;
      if (step.startsWith('v:')) return `[=${value}]`;
      if (!step.startsWith('k:')) return `[${value}]`;
      const keys = Object.entries(JSON.parse(value) as JsonObject);
      return `[${keys.map(([key, part]) => `${key}=${JSON.stringify(part)}`).join(',')}]`;
    })
    .join('');

export function toFieldsV1(set: FieldSet): JsonObject {
  const children = [...set.children].sort(([a], [b]) => (a < b ? -1 : 1));
  const entries = children.map(([step, child]) => [step, toFieldsV1(child)] as const);
  return Object.fromEntries(set.member && entries.length ? [['.', {}], ...entries] : entries);
}

/** @throws ApiError 400 when it is not of that form. */
export function fromFieldsV1(fields: unknown, isRoot = true): FieldSet {
  if (!isObject(fields)) throw badRequest('metadata.managedFields: fieldsV1 must be an object');
  const steps = Object.entries(fields).filter(([step]) => step !== '.');
  for (const [step] of steps) {
    if (!/^[fvki]:/.test(step) || (step.startsWith('k:') && !isKey(step.slice(2))))
      throw badRequest(`metadata.managedFields: invalid path element ${JSON.stringify(step)}`);
  }
  const member = hasOwn(fields, '.') || (!isRoot && steps.length === 0);
  return setOf(
    member,
    steps.map(([step, child]) => [step, fromFieldsV1(child, false)] as const),
  );
}

function isKey(text: string): boolean {
  try {
    return isObject(JSON.parse(text));
  } catch {
    return false;
  }
}
