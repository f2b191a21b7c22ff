// JSON values, before anything is known about them.
import { messageOf } from '../../../common/errors.ts';
import { badRequest } from '../errors.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const asObject = (value: unknown): JsonObject => (isObject(value) ? value : {});
export const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const asText = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The value at a path such as `spec.template.metadata`; undefined where there is none. */
export const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((found, key) => asObject(found)[key], value);

export const hasOwn = (object: object, key: string): boolean => Object.hasOwn(object, key);

/** Far deeper than any object of Kubernetes, far from what the stack bears. */
const DEEPEST = 200;

/**
 * Without the nulls in objects: to Kubernetes they are absent.
 *
 * @throws ApiError 400 when it is nested too deeply.
 */
export function withoutNulls(value: unknown, depth = 0): unknown {
  if (depth > DEEPEST) throw badRequest('exceeded max depth');
  if (Array.isArray(value)) return value.map((item) => withoutNulls(item, depth + 1));
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([, item]) => item !== null);
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutNulls(item, depth + 1)]));
}

/** @throws ApiError 400 when it is not JSON, or nested too deeply. */
export function parseJson(body: string): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch (error) {
    throw badRequest(`the body is unrecognized (must be of type JSON): ${messageOf(error)}`);
  }
  assertNotTooDeep(parsed);
  return parsed;
}

export function assertNotTooDeep(value: unknown, depth = 0): void {
  if (depth > DEEPEST) throw badRequest('exceeded max depth');
  if (typeof value !== 'object' || value === null) return;
  for (const item of Object.values(value)) assertNotTooDeep(item, depth + 1);
}
