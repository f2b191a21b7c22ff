// create, update and patch: the same checks on what is to be stored, whatever way it came.
import { randomSuffix } from '../controllers/objects.ts';
import { withClusterIp } from '../controllers/service.ts';
import { alreadyExists, badRequest, forbidden, invalid, notFound, unsupported } from '../errors.ts';
import type { Addresses } from '../network/addresses.ts';
import { unservablePorts } from '../network/endpoints.ts';
import type { Deployment, KubeObject, Meta, Pod, Service } from '../objects.ts';
import { apiVersionOf, type Resource, resources } from '../resources.ts';
import { type Store, wireTime } from '../store.ts';
import { admitPod } from './admit-pod.ts';
import { asObject, parseObject } from './body.ts';
import { withDefaults } from './defaults.ts';
import { assertFields, cleaned } from './fields.ts';
import { patchObject } from './patch/index.ts';
import { withUpdatedManagers } from './patch/managed-fields.ts';
import { readObject } from './read.ts';
import type { ResourceRequest } from './request.ts';
import { replicasOfScale, scaleOf } from './scale.ts';
import { validate } from './validate.ts';

export type Writer = { store: Store; addresses: Addresses };
type Raw = Record<string, unknown>;

/** @returns what is stored now; with `dryRun=All` what would be. */
export function createObject(writer: Writer, request: ResourceRequest, body: string): KubeObject {
  return create(writer, request, parseObject(body, request.headers['content-type']));
}

function create(writer: Writer, request: ResourceRequest, given: Raw, managed = false): KubeObject {
  const { store, addresses } = writer;
  const { resource } = request;
  const metadata = nameOf(resource, asObject(given.metadata ?? {}) as Partial<Meta>);
  const inNamespace = resource.namespaced ? namespaceOf(store, request, metadata) : {};
  // What the server gives is the server's to give, whatever a client sends.
  const { uid: _uid, resourceVersion: _version, creationTimestamp: _created, ...kept } = metadata;
  const { status: _status, ...body } = given;
  const raw = { ...body, metadata: { ...kept, ...inNamespace } };
  const checked = check(resource, raw);
  const object = initial(resource, checked as KubeObject);
  const stamped = managed ? object : stamp(undefined, object, request);
  refuseInvalid(resource, stamped, undefined);
  if (isDryRun(request))
    return { ...stamped, metadata: { ...stamped.metadata, creationTimestamp: wireTime(new Date()) } };
  if (store.get(resource.name, stamped.metadata.namespace ?? '', stamped.metadata.name))
    throw alreadyExists(resource, stamped.metadata.name);
  // An address is taken for good: not before all else is right.
  const whole = resource.name === 'services' ? withClusterIp(stamped as Service, addresses) : stamped;
  return store.create(resource.name, whole as never) as KubeObject;
}

export function updateObject(writer: Writer, request: ResourceRequest, body: string): KubeObject {
  const given = parseObject(body, request.headers['content-type']);
  const before = readObject(writer.store, request);
  return store(writer, request, before, given);
}

/** Applying what is not there creates it. */
export function patch(writer: Writer, request: ResourceRequest, body: string): KubeObject {
  const { store: objects } = writer;
  const { resource, namespace, name, headers, query, subresource } = request;
  const contentType = (headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
  const applies = contentType === 'application/apply-patch+yaml';
  const before = objects.get(resource.name, namespace, name) as KubeObject | undefined;
  if (!before && !applies) throw notFound(resource, name);
  const isScale = subresource === 'scale';
  const current = before && isScale ? (scaleOf(before as Deployment) as unknown as KubeObject) : before;
  const patched = patchObject(resource, current, contentType, body, {
    subresource,
    fieldManager: managerOf(request),
    force: query.get('force') === 'true',
    now: wireTime(new Date()),
  }) as unknown as Raw;
  if (before) return store(writer, request, before, patched, applies);
  const metadata = asObject(patched.metadata ?? {}) as Partial<Meta>;
  return create(writer, { ...request, name: '' }, { ...patched, metadata: { ...metadata, name } }, applies);
}

/** Stores what an update or a patch made, as far as it is the request's to change. */
function store(
  writer: Writer,
  request: ResourceRequest,
  before: KubeObject,
  given: Raw,
  managed = false,
): KubeObject {
  const { resource, subresource } = request;
  const wanted = asObject(given.metadata ?? {}) as Partial<Meta>;
  if (subresource === 'scale') {
    const replicas = replicasOfScale(given);
    const scaled = { ...before, spec: { ...(before.spec as object), replicas } };
    return put(writer, request, before, stamp(before, scaled as KubeObject, request), wanted.resourceVersion);
  }
  if (wanted.name !== undefined && wanted.name !== before.metadata.name)
    throw badRequest(
      `the name of the object (${wanted.name}) does not match the name on the URL (${before.metadata.name})`,
    );
  const metadata = {
    ...wanted,
    ...(before.metadata.namespace ? { namespace: before.metadata.namespace } : {}),
    name: before.metadata.name,
    uid: before.metadata.uid,
    creationTimestamp: before.metadata.creationTimestamp,
    ...(before.metadata.deletionTimestamp
      ? {
          deletionTimestamp: before.metadata.deletionTimestamp,
          ...(before.metadata.deletionGracePeriodSeconds === undefined
            ? {}
            : { deletionGracePeriodSeconds: before.metadata.deletionGracePeriodSeconds }),
        }
      : {}),
    ...(before.metadata.generation === undefined ? {} : { generation: before.metadata.generation }),
  };
  if (subresource === 'status') {
    const changed = { ...before, status: given.status, metadata: { ...before.metadata } } as KubeObject;
    check(resource, changed as unknown as Raw);
    return put(writer, request, before, stamp(before, changed, request), wanted.resourceVersion);
  }
  const { status: _ignored, ...body } = given;
  const hasStatus = resource.subresources.includes('status');
  const whole = hasStatus ? { ...body, ...('status' in before ? { status: before.status } : {}) } : given;
  const checked = check(resource, { ...whole, metadata }) as KubeObject;
  const stamped = managed ? checked : stamp(before, checked, request);
  refuseInvalid(resource, stamped, before);
  return put(writer, request, before, stamped, wanted.resourceVersion);
}

function put(
  { store: objects }: Writer,
  request: ResourceRequest,
  before: KubeObject,
  after: KubeObject,
  expected: string | undefined,
): KubeObject {
  if (isDryRun(request)) return after;
  const { resource } = request;
  const namespace = before.metadata.namespace ?? '';
  return objects.update(
    resource.name,
    namespace,
    before.metadata.name,
    () =>
      ({
        ...after,
        metadata: { ...after.metadata, resourceVersion: before.metadata.resourceVersion },
      }) as never,
    expected,
  );
}

/** Field by field, then with defaults. @throws ApiError naming each field that is unknown, unsupported or of another type. */
function check(resource: Resource, raw: Raw): Raw {
  const { apiVersion = apiVersionOf(resource), kind = resource.kind } = raw;
  if (kind !== resource.kind || apiVersion !== apiVersionOf(resource))
    throw badRequest(
      `${kind} in version "${apiVersion}" cannot be handled as a ${resource.kind}: the request is for ${apiVersionOf(resource)}/${resource.name}`,
    );
  const object = { ...raw, apiVersion, kind };
  assertFields(resource, object);
  return withDefaults(resource, cleaned(resource, object) as KubeObject) as unknown as Raw;
}

function refuseInvalid(resource: Resource, object: KubeObject, before: KubeObject | undefined): void {
  const causes = validate(resource, object, before);
  if (causes.length > 0) throw invalid(resource, object.metadata.name, causes);
}

function nameOf(resource: Resource, metadata: Partial<Meta>): Partial<Meta> & { name: string } {
  if (metadata.name) return { ...metadata, name: metadata.name };
  if (metadata.generateName) return { ...metadata, name: `${metadata.generateName}${randomSuffix()}` };
  throw invalid(resource, '', [
    {
      field: 'metadata.name',
      message: 'Required value: name or generateName is required',
      reason: 'FieldValueRequired',
    },
  ]);
}

function namespaceOf(
  store: Store,
  { namespace, resource }: ResourceRequest,
  metadata: Partial<Meta>,
): { namespace: string } {
  if (metadata.namespace && namespace && metadata.namespace !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  const where = namespace || metadata.namespace || 'default';
  const found = store.get('namespaces', '', where);
  if (!found) throw notFound(resources.namespaces, where);
  if (found.metadata.deletionTimestamp)
    throw forbidden(
      `${resource.name} "${metadata.name}" is forbidden: unable to create new content in namespace ${where} because it is being terminated`,
    );
  return { namespace: where };
}

/** What an object of its kind starts with, beyond the defaults of its fields. */
function initial(resource: Resource, object: KubeObject): KubeObject {
  if (resource.name === 'services') {
    const low = unservablePorts(object as Service);
    if (low.length > 0)
      throw unsupported(`a Service port below 1024 (${low.join(', ')}), which takes root to listen on,`);
    return object;
  }
  if (resource.name === 'pods') return admitPod(object as Pod) as KubeObject;
  if (resource.name === 'namespaces')
    return { ...object, status: { phase: 'Active' }, spec: { finalizers: ['kubernetes'] } } as KubeObject;
  return resource.subresources.includes('status') ? { ...object, status: {} } : object;
}

/** Who changed which fields, and when. */
const stamp = (before: KubeObject | undefined, after: KubeObject, request: ResourceRequest): KubeObject =>
  withUpdatedManagers(request.resource, before, after, {
    manager: managerOf(request),
    subresource: request.subresource,
    now: wireTime(new Date()),
  }) as KubeObject;

function managerOf({ query, headers }: ResourceRequest): string {
  return (
    query.get('fieldManager') ??
    (headers['user-agent'] ?? 'unknown').split('/')[0]?.slice(0, 128) ??
    'unknown'
  );
}

const isDryRun = ({ query }: ResourceRequest): boolean => query.getAll('dryRun').includes('All');
