// Refusals in Kubernetes' own form: a Status with a reason that clients act on.
import { qualifiedName, type Resource } from './resources.ts';

export type Cause = { field: string; message: string; reason?: string };

export class ApiError extends Error {
  readonly code: number;
  /** Kubernetes' StatusReason, such as `NotFound`. */
  readonly reason: string;
  readonly details: object | undefined;

  constructor(code: number, reason: string, message: string, details?: object) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

const about = (resource: Resource, name: string, more: object = {}) => ({
  name,
  ...(resource.group ? { group: resource.group } : {}),
  kind: resource.name,
  ...more,
});

export const notFound = (resource: Resource, name: string): ApiError =>
  new ApiError(404, 'NotFound', `${qualifiedName(resource)} "${name}" not found`, about(resource, name));

export const alreadyExists = (resource: Resource, name: string): ApiError =>
  new ApiError(
    409,
    'AlreadyExists',
    `${qualifiedName(resource)} "${name}" already exists`,
    about(resource, name),
  );

export const conflict = (resource: Resource, name: string, why: string): ApiError =>
  new ApiError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualifiedName(resource)} "${name}": ${why}`,
    about(resource, name),
  );

/** 422, for values: what is wrong with which field. */
export function invalid(resource: Resource, name: string, causes: readonly Cause[]): ApiError {
  const said = causes.map(({ field, message }) => `${field}: ${message}`);
  const list = said.length === 1 ? said[0] : `[${said.join(', ')}]`;
  const kind = resource.group ? `${resource.kind}.${resource.group}` : resource.kind;
  return new ApiError(
    422,
    'Invalid',
    `${kind} "${name}" is invalid: ${list}`,
    about(resource, name, { causes: causes.map((cause) => ({ reason: 'FieldValueInvalid', ...cause })) }),
  );
}

export const badRequest = (message: string): ApiError => new ApiError(400, 'BadRequest', message);
export const forbidden = (message: string): ApiError => new ApiError(403, 'Forbidden', message);
export const gone = (message: string): ApiError => new ApiError(410, 'Expired', message);
export const methodNotAllowed = (message: string): ApiError => new ApiError(405, 'MethodNotAllowed', message);

/** Kubernetes has it, this provider does not: a kind, a field, a verb, by its name. */
export const unsupported = (what: string): ApiError =>
  new ApiError(400, 'BadRequest', `${what} is not supported by the embedded provider`);
