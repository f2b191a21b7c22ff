import { redactObject } from './redact.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

type Kept = {
  metadata?: { managedFields?: unknown; annotations?: Record<string, string> | undefined } | undefined;
  binaryData?: unknown;
  status?: unknown;
};

/** An object as it is kept: without what no rule reads, and without secrets. */
export function pruned<T extends object>(object: T): T {
  const { binaryData: _binary, metadata, status, ...rest } = object as Kept;
  const { managedFields: _managed, annotations, ...named } = metadata ?? {};
  const { [LAST_APPLIED]: _applied, ...others } = annotations ?? {};
  const { images: _images, ...state } = (status ?? {}) as { images?: unknown };
  return redactObject({
    ...rest,
    metadata: { ...named, ...(Object.keys(others).length > 0 ? { annotations: others } : {}) },
    ...(status === undefined ? {} : { status: state }),
  }) as T;
}
