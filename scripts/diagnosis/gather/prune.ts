import { redactObject } from './redact.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** In JSON of Go's a list that is empty, and a time that is not set, may be null: the types know neither. */
function withoutNulls<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutNulls) as T;
  if (typeof value !== 'object' || value === null) return value;
  const set = Object.entries(value).filter(([, each]) => each !== null);
  return Object.fromEntries(set.map(([key, each]) => [key, withoutNulls(each)])) as T;
}

type Kept = {
  metadata?: { managedFields?: unknown; annotations?: Record<string, string> | undefined } | undefined;
  binaryData?: unknown;
  status?: unknown;
  endpoints?: unknown;
};

/** An object as it is kept: without what no rule reads, and without secrets. */
export function pruned<T extends object>(object: T): T {
  const { binaryData: _binary, metadata, status, ...rest } = withoutNulls(object as Kept);
  const { managedFields: _managed, annotations, ...named } = metadata ?? {};
  const { [LAST_APPLIED]: _applied, ...others } = annotations ?? {};
  const { images: _images, ...state } = (status ?? {}) as { images?: unknown };
  return redactObject({
    ...rest,
    // Of an EndpointSlice: the one list that must be there.
    ...('endpoints' in object ? { endpoints: rest.endpoints ?? [] } : {}),
    metadata: { ...named, ...(Object.keys(others).length > 0 ? { annotations: others } : {}) },
    ...(status === undefined ? {} : { status: state }),
  }) as T;
}
