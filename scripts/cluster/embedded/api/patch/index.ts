// The four kinds of patch: what an object is after one of them.
import { parse } from 'yaml';
import { ApiError, badRequest } from '../../errors.ts';
import type { Resource } from '../../resources.ts';
import { asObject, assertNotTooDeep, isObject, type JsonObject, parseJson } from '../json.ts';
import { schemaOf } from '../schema/index.ts';
import { applyConfiguration, assertManager } from './apply.ts';
import { jsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';
import { strategicMerge } from './strategic.ts';

const APPLY = 'application/apply-patch+yaml';
export const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  APPLY,
] as const;

type PatchOptions = {
  subresource?: string | undefined;
  /** Must be there for server-side apply, which alone looks at it. */
  fieldManager?: string | undefined;
  /** Takes fields from other managers, instead of a conflict. */
  force?: boolean | undefined;
  /** The time of the change, as on the wire. */
  now: string;
};

/**
 * What a patch makes of an object; `current` itself, for apply, when it changes nothing. Fields and values are still to
 * be checked, and defaults to be filled in. After a patch that is no apply call `withUpdatedManagers`.
 *
 * @param current undefined where apply creates it.
 * @param contentType with or without parameters.
 * @throws ApiError 400 malformed, 409 for conflicts of apply, 415 for another content type, 422 for a patch that does not fit.
 */
export function patchObject(
  resource: Resource,
  current: object | undefined,
  contentType: string,
  body: string,
  { subresource, fieldManager, force, now }: PatchOptions,
): JsonObject {
  const type = contentType.split(';')[0]?.trim();
  if (type === APPLY) {
    const manager = assertManager(resource, fieldManager);
    return applyConfiguration(resource, current && asObject(current), parseYaml(body), {
      manager,
      force,
      subresource,
      now,
    });
  }
  if (!patchTypes.some((known) => known === type)) {
    const supported = patchTypes.join(', ');
    throw new ApiError(
      415,
      'UnsupportedMediaType',
      `the body of the request was in an unknown format - accepted media types include: ${supported}`,
    );
  }
  const patch = parseJson(body);
  const before = asObject(current);
  if (type === 'application/json-patch+json') return jsonPatch(before, patch);
  if (!isObject(patch)) throw badRequest('error decoding patch: it must be an object');
  if (type === 'application/merge-patch+json') return mergePatch(before, patch) as JsonObject;
  return strategicMerge(schemaOf(resource), before, patch);
}

function parseYaml(body: string): unknown {
  let parsed: unknown;
  try {
    parsed = parse(body, { logLevel: 'error' });
  } catch (error) {
    throw badRequest(`error decoding YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
  assertNotTooDeep(parsed);
  return parsed;
}
