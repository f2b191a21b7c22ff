// Who owns which fields: `metadata.managedFields`.
import { ApiError, type Cause } from '../../errors.ts';
import { apiVersionOf, type Resource } from '../../resources.ts';
import { asList, asObject, asText } from '../json.ts';
import { schemaOf } from '../schema/index.ts';
import {
  difference,
  type FieldSet,
  fromFieldsV1,
  intersection,
  isNone,
  membersOf,
  NONE,
  pathOf,
  sameSet,
  toFieldsV1,
  union,
  without,
} from './field-set.ts';
import { type Changes, compare, emptyObject } from './typed.ts';

export type Manager = {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  subresource: string;
  time: string;
  set: FieldSet;
};

/** @throws ApiError 400 when an entry is malformed. */
export function managersOf(object: object | undefined): Manager[] {
  const entries = asList(asObject(asObject(object).metadata).managedFields).map(asObject);
  return entries.map((entry) => ({
    manager: asText(entry.manager),
    operation: entry.operation === 'Apply' ? 'Apply' : 'Update',
    apiVersion: asText(entry.apiVersion),
    subresource: asText(entry.subresource),
    time: asText(entry.time),
    set: fromFieldsV1(entry.fieldsV1 ?? {}),
  }));
}

export function withManagers<T extends object>(object: T, managers: readonly Manager[]): T {
  const owning = managers.filter(({ set }) => !isNone(set));
  // Kubernetes' order: those who apply first, then by time and name.
  const order = ({ operation, time, manager }: Manager) => `${operation} ${time} ${manager}`;
  const entries = owning
    .sort((a, b) => (order(a) < order(b) ? -1 : 1))
    .map(({ manager, operation, apiVersion, subresource, time, set }) => ({
      apiVersion,
      fieldsType: 'FieldsV1',
      fieldsV1: toFieldsV1(set),
      manager,
      operation,
      ...(subresource ? { subresource } : {}),
      ...(time ? { time } : {}),
    }));
  const { managedFields: _, ...metadata } = asObject(asObject(object).metadata);
  return { ...object, metadata: entries.length ? { ...metadata, managedFields: entries } : metadata };
}

const notOwned = [
  'creationTimestamp',
  'generation',
  'managedFields',
  'name',
  'namespace',
  'resourceVersion',
  'selfLink',
  'uid',
].map((field) => `f:${field}`);

/** Without what nobody owns: the name, what the API server sets, and what is another endpoint's to write. */
export function ownable(resource: Resource, set: FieldSet, subresource = ''): FieldSet {
  const hasStatus = resource.subresources.includes('status');
  const rest = without(set, [
    'f:apiVersion',
    'f:kind',
    ...(hasStatus && subresource !== 'status' ? ['f:status'] : []),
  ]);
  const children = new Map(rest.children);
  if (subresource === 'status')
    for (const step of [...children.keys()]) if (step !== 'f:status') children.delete(step);
  const metadata = children.get('f:metadata');
  if (metadata) {
    const owned = without({ ...metadata, member: false }, notOwned);
    if (isNone(owned)) children.delete('f:metadata');
    else children.set('f:metadata', owned);
  }
  return { member: false, children };
}

export const isSame = (a: Manager, b: Omit<Manager, 'set' | 'time'>): boolean =>
  a.manager === b.manager &&
  a.operation === b.operation &&
  a.subresource === b.subresource &&
  (a.operation === 'Apply' || a.apiVersion === b.apiVersion);

/** Takes from the others what has changed or is gone: who changes a field owns it. */
export function othersAfter(others: readonly Manager[], { added, modified, removed }: Changes): Manager[] {
  const gone = union(union(added, modified), removed);
  return others.map((other) => ({ ...other, set: difference(other.set, gone) }));
}

type Update = {
  manager: string;
  subresource?: string | undefined;
  /** The time of the change, as on the wire. */
  now: string;
};

/**
 * An object with its field managers as they are after an ordinary write (POST, PUT, PATCH other than apply) by `manager`.
 * Call it with defaults filled in and with everything that the write must not change put back.
 *
 * @param before undefined when it is created.
 */
export function withUpdatedManagers<T extends object>(
  resource: Resource,
  before: T | undefined,
  after: T,
  { manager, subresource = '', now }: Update,
): T {
  const schema = schemaOf(resource);
  const sent = managersOf(after).filter((known) => known.manager !== '');
  // `managedFields: [{}]` asks for a fresh start; none at all is a client that does not know about them.
  const isReset = asList(asObject(asObject(after).metadata).managedFields).length > 0 && sent.length === 0;
  const known = sent.length || isReset ? sent : managersOf(before);
  // Structs that Kubernetes always has are nobody's: neither their coming nor their going is a change.
  const empty = emptyObject(schema);
  const changes = compare(schema, { ...empty, ...before }, { ...empty, ...after });
  const owned = {
    added: ownable(resource, changes.added, subresource),
    modified: ownable(resource, changes.modified, subresource),
    removed: changes.removed,
  };
  const self = {
    manager,
    operation: 'Update' as const,
    apiVersion: apiVersionOf(resource),
    subresource,
  };
  const mine = known.find((one) => isSame(one, self));
  const others = othersAfter(
    known.filter((one) => one !== mine),
    changes,
  );
  const set = union(difference(mine?.set ?? NONE, owned.removed), union(owned.added, owned.modified));
  const isUnchanged = mine && sameSet(set, mine.set) && isNone(owned.modified) && isNone(owned.added);
  return withManagers(after, [...others, isUnchanged ? mine : { ...self, time: now, set }]);
}

/** The managers that own, and would lose, what is changed. @throws ApiError 409 naming them and the fields. */
export function assertNoConflicts(others: readonly Manager[], { added, modified }: Changes): void {
  const changed = union(added, modified);
  const conflicts = others.flatMap((other) =>
    membersOf(intersection(other.set, changed)).map((steps) => ({ who: shown(other), path: pathOf(steps) })),
  );
  const [first] = conflicts;
  if (!first) return;
  const causes: Cause[] = conflicts.map(({ who, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${who}`,
    field: path,
  }));
  throw new ApiError(409, 'Conflict', conflictMessage(conflicts), { causes });
}

type Conflict = { who: string; path: string };

function conflictMessage(conflicts: readonly Conflict[]): string {
  const [first] = conflicts;
  if (first && conflicts.length === 1)
    return `Apply failed with 1 conflict: conflict with ${first.who}: ${first.path}`;
  const byManager = Map.groupBy(conflicts, ({ who }) => who);
  const lines = [...byManager.keys()]
    .sort()
    .flatMap((who) => [
      `conflicts with ${who}:`,
      ...(byManager.get(who) ?? []).map(({ path }) => `- ${path}`),
    ]);
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`;
}

function shown({ manager, subresource, operation, apiVersion }: Manager): string {
  const name =
    JSON.stringify(manager) + (subresource ? ` with subresource ${JSON.stringify(subresource)}` : '');
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
}
