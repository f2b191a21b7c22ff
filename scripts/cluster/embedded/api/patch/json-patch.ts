// RFC 6902, by fast-json-patch.
import jsonpatch, { type Operation } from 'fast-json-patch';
import { ApiError, badRequest } from '../../errors.ts';
import { isObject, type JsonObject } from '../json.ts';

/** As Kubernetes: more are taken for an attack. */
const MOST = 10_000;
/** Each can double the object. */
const COPIES = 10;

/** @throws ApiError 400 when it is no list of operations; 422 when one of them fails: then none is done. */
export function jsonPatch(current: JsonObject, patch: unknown): JsonObject {
  if (!Array.isArray(patch) || !patch.every(isObject))
    throw badRequest('error decoding patch: it must be a list of operations');
  if (patch.length > MOST)
    throw new ApiError(
      413,
      'RequestEntityTooLarge',
      `The allowed maximum operations in a JSON patch is ${MOST}`,
    );
  if (patch.filter(({ op }) => op === 'copy').length > COPIES)
    throw new ApiError(
      413,
      'RequestEntityTooLarge',
      `The allowed maximum of copies in a JSON patch is ${COPIES}`,
    );
  const operations = patch as unknown as Operation[];
  let result: unknown;
  try {
    result = jsonpatch.applyPatch(current, operations, true, false).newDocument;
  } catch (error) {
    throw unprocessable(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
  }
  if (!isObject(result)) throw unprocessable('the patch leaves no object');
  return result;
}

const unprocessable = (why: string) =>
  new ApiError(422, 'Invalid', 'the server rejected our request due to an error in our request', {
    causes: [{ reason: 'UnexpectedServerResponse', message: why }],
  });
