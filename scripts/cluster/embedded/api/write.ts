// create, update and patch: the same checks on what is to be stored, whatever way it came.
import { withClusterIp, withKeptClusterIp } from '../cluster-ip.ts';
import { alreadyExists, badRequest, conflict, forbidden, invalid, notFound, unsupported } from '../errors.ts';
import { randomSuffix } from '../names.ts';
import type { Addresses } from '../network/addresses.ts';
import type { Deployment, KubeObject, Meta, Pod, Service } from '../objects.ts';
import { apiVersionOf, type Resource, resources } from '../resources.ts';
import { type Store, wireTime } from '../store.ts';
import { admitPod } from './admit-pod.ts';
import { parseObject } from './body.ts';
import { withDefaults } from './defaults.ts';
import { assertFields, cleaned } from './fields.ts';
import { isObject, type JsonObject } from './json.ts';
import { isDryRun } from './options.ts';
import { patchObject } from './patch/index.ts';
import { withUpdatedManagers } from './patch/managed-fields.ts';
import { readObject } from './read.ts';
import type { ResourceRequest } from './request.ts';
import { replicasOfScale, scaleOf } from './scale.ts';
import { assertSupported } from './unsupported.ts';
import { validate } from './validate.ts';

export type Writer = { store: Store; addresses: Addresses };

/** The server's to give, whatever a client sends. */
const SERVERS_OWN = [
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'selfLink',
];

/** @returns what is stored now; with `dryRun=All` what would be. */
export function createObject(writer: Writer, request: ResourceRequest, body: string): KubeObject {
  return create(writer, request, parseObject(body, request.headers['content-type']));
}

function create(writer: Writer, request: ResourceRequest, given: JsonObject, managed = false): KubeObject {
  const { store, addresses } = writer;
  const { resource } = request;
  if (resource.fixed) throw unsupported(`creating a ${resource.kind}`);
  const dryRun = isDryRun(request);
  const metadata = nameOf(resource, metadataOf(given));
  const inNamespace = resource.namespaced ? namespaceOf(store, request, metadata) : {};
  const kept = Object.entries(metadata).filter(([key]) => !SERVERS_OWN.includes(key));
  const { status: _status, ...body } = given;
  const raw = { ...body, metadata: { ...Object.fromEntries(kept), ...inNamespace } };
  const object = initial(store, resource, check(resource, raw));
  const stamped = managed ? object : stamp(undefined, object, request);
  refuseInvalid(resource, stamped, undefined);
  if (store.get(resource.name, stamped.metadata.namespace ?? '', stamped.metadata.name))
    throw alreadyExists(resource, stamped.metadata.name);
  if (dryRun)
    return { ...stamped, metadata: { ...stamped.metadata, creationTimestamp: wireTime(new Date()) } };
  // An address is taken for good: not before all else is right.
  const whole = resource.name === 'services' ? withClusterIp(stamped as Service, addresses) : stamped;
  return store.create(resource.name, whole as never) as KubeObject;
}

export function updateObject(writer: Writer, request: ResourceRequest, body: string): KubeObject {
  const given = parseObject(body, request.headers['content-type']);
  const before = readObject(writer.store, request);
  return store(writer, request, before, given);
}

/** Applying what is not there creates it; not a part of it. */
export function patch(writer: Writer, request: ResourceRequest, body: string): KubeObject {
  const { store: objects } = writer;
  const { resource, namespace, name, headers, query, subresource } = request;
  const contentType = (headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
  const applies = contentType === 'application/apply-patch+yaml';
  const before = objects.get(resource.name, namespace, name) as KubeObject | undefined;
  if (!before && (!applies || subresource)) throw notFound(resource, name);
  const isScale = subresource === 'scale';
  const current = before && isScale ? (scaleOf(before as Deployment) as unknown as KubeObject) : before;
  const patched = patchObject(resource, current, contentType, body, {
    subresource,
    fieldManager: managerOf(request),
    force: query.get('force') === 'true',
    now: wireTime(new Date()),
  });
  if (before) return store(writer, request, before, patched, applies);
  const metadata = { ...metadataOf(patched), name };
  return create(writer, { ...request, name: '' }, { ...patched, metadata }, applies);
}

/** Stores what an update or a patch made, as far as it is the request's to change. */
function store(
  writer: Writer,
  request: ResourceRequest,
  before: KubeObject,
  given: JsonObject,
  managed = false,
): KubeObject {
  const { resource, subresource } = request;
  const wanted = metadataOf(given);
  assertSameObject(request, before, wanted);
  if (subresource === 'scale') {
    const replicas = replicasOfScale(given);
    const scaled = { ...before, spec: { ...(before.spec as object), replicas } };
    return put(writer, request, before, stamp(before, scaled as KubeObject, request), wanted.resourceVersion);
  }
  if (subresource === 'status') {
    const changed = { ...before, status: given.status, metadata: { ...before.metadata } };
    check(resource, changed);
    return put(writer, request, before, stamp(before, changed, request), wanted.resourceVersion);
  }
  const { status: _ignored, ...body } = given;
  const hasStatus = resource.subresources.includes('status');
  const whole = hasStatus ? { ...body, ...('status' in before ? { status: before.status } : {}) } : given;
  const kept = resource.name === 'services' ? withKeptClusterIp(whole, before as Service) : whole;
  const checked = check(resource, { ...kept, metadata: metadataAfter(wanted, before) });
  const stamped = managed ? checked : stamp(before, checked, request);
  refuseInvalid(resource, stamped, before);
  return put(writer, request, before, stamped, wanted.resourceVersion);
}

/** @throws ApiError 400 or 409 when a request is not for the object at its own path. */
function assertSameObject(
  { resource, verb }: ResourceRequest,
  { metadata }: KubeObject,
  wanted: Partial<Meta>,
) {
  const { name, namespace, uid } = metadata;
  if (wanted.name !== undefined && wanted.name !== name)
    throw badRequest(`the name of the object (${wanted.name}) does not match the name on the URL (${name})`);
  if (wanted.namespace && namespace && wanted.namespace !== namespace) throw otherNamespace();
  if (verb === 'update' && wanted.uid && wanted.uid !== uid) {
    const why = `UID in precondition: ${wanted.uid}, UID in object meta: ${uid}`;
    throw conflict(resource, name, `Precondition failed: ${why}`);
  }
}

/** What is wanted of it, but for what only the server changes; of that, left out is as it was. */
function metadataAfter(wanted: Partial<Meta>, { metadata: before }: KubeObject): Partial<Meta> {
  const { generation: _generation, selfLink: _selfLink, ...asked } = wanted;
  const { name, namespace, uid, creationTimestamp, generation, deletionTimestamp } = before;
  const graceSeconds = asked.deletionGracePeriodSeconds ?? before.deletionGracePeriodSeconds;
  return {
    ...asked,
    name,
    ...(namespace ? { namespace } : {}),
    uid: asked.uid || uid,
    creationTimestamp,
    ...(generation === undefined ? {} : { generation }),
    ...(deletionTimestamp ? { deletionTimestamp } : {}),
    ...(graceSeconds === undefined ? {} : { deletionGracePeriodSeconds: graceSeconds }),
  };
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
function check(resource: Resource, raw: JsonObject): KubeObject {
  const { apiVersion = apiVersionOf(resource), kind = resource.kind } = raw;
  if (kind !== resource.kind || apiVersion !== apiVersionOf(resource))
    throw badRequest(
      `${kind} in version "${apiVersion}" cannot be handled as a ${resource.kind}: the request is for ${apiVersionOf(resource)}/${resource.name}`,
    );
  const object = { ...raw, apiVersion, kind };
  assertFields(resource, object);
  const complete = withDefaults(resource, cleaned(resource, object) as KubeObject);
  assertSupported(resource, complete);
  return complete;
}

/** @throws ApiError 400 when it is no object. */
function metadataOf({ metadata }: JsonObject): Partial<Meta> {
  if (metadata !== undefined && metadata !== null && !isObject(metadata))
    throw badRequest('metadata is not an object');
  return metadata ?? {};
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
  if (metadata.namespace && namespace && metadata.namespace !== namespace) throw otherNamespace();
  const where = namespace || metadata.namespace || 'default';
  const found = store.get('namespaces', '', where);
  if (!found) throw notFound(resources.namespaces, where);
  if (found.metadata.deletionTimestamp)
    throw forbidden(
      `${resource.name} "${metadata.name}" is forbidden: unable to create new content in namespace ${where} because it is being terminated`,
    );
  return { namespace: where };
}

const otherNamespace = () =>
  badRequest('the namespace of the provided object does not match the namespace sent on the request');

/** What an object of its kind starts with, beyond the defaults of its fields. */
function initial(store: Store, resource: Resource, object: KubeObject): KubeObject {
  if (resource.name === 'services') return object;
  if (resource.name === 'pods') return admitPod(store, object as Pod) as KubeObject;
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
