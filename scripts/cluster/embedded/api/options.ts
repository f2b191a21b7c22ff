// Options of a request that writes.
import { type ApiError, type Cause, invalid } from '../errors.ts';
import type { ResourceRequest, Verb } from './request.ts';

const kinds: Partial<Record<Verb, string>> = {
  create: 'CreateOptions',
  update: 'UpdateOptions',
  patch: 'PatchOptions',
  delete: 'DeleteOptions',
  deletecollection: 'DeleteOptions',
};

export const invalidOptions = ({ resource, verb }: ResourceRequest, cause: Cause): ApiError =>
  invalid({ ...resource, kind: kinds[verb] ?? '', group: 'meta.k8s.io' }, '', [cause]);

/** @param asked as in the URL. @throws ApiError 422 for any other word than `All`: it must not be done after all. */
export function isDryRun(request: ResourceRequest, asked = request.query.getAll('dryRun')): boolean {
  if (asked.every((word) => word === 'All')) return asked.length > 0;
  throw invalidOptions(request, {
    field: 'dryRun',
    message: `Unsupported value: ${JSON.stringify(asked)}: supported values: "All"`,
    reason: 'FieldValueNotSupported',
  });
}
