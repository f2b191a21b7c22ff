// delete and deletecollection: at once, gracefully, or when the last finalizer is gone.
import { deleteObject, type FirstFinalizer } from '../delete-object.ts';
import { badRequest, conflict, unsupported } from '../errors.ts';
import type { KubeObject } from '../objects.ts';
import { type Store, wireTime } from '../store.ts';
import { parseObject } from './body.ts';
import { invalidOptions, isDryRun } from './options.ts';
import { listObjects, readObject } from './read.ts';
import { isTrue, type ResourceRequest } from './request.ts';
import { deletedStatus } from './respond.ts';

type DeleteOptions = {
  gracePeriodSeconds?: number;
  propagationPolicy?: string;
  /** The older word for propagationPolicy: Orphan. */
  orphanDependents?: boolean;
  preconditions?: { uid?: string; resourceVersion?: string };
  dryRun?: string[];
};

/** By the finalizer the garbage collector knows what to do first. */
const FINALIZER: Record<string, FirstFinalizer | undefined> = {
  Foreground: 'foregroundDeletion',
  Orphan: 'orphan',
};

/** @returns the object where it stays for a while, else a Status. */
export function deleteOne(store: Store, request: ResourceRequest, body: string): unknown {
  const object = readObject(store, request);
  return remove(store, request, object, optionsOf(request, body));
}

/** @returns the list of what was deleted, as it was. */
export function deleteMany(store: Store, request: ResourceRequest, body: string): KubeObject[] {
  const options = optionsOf(request, body);
  const objects = listObjects(store, request);
  for (const object of objects) remove(store, request, object, options);
  return objects;
}

function optionsOf(request: ResourceRequest, body: string): DeleteOptions {
  const { query, headers } = request;
  const options = (body.trim() ? parseObject(body, headers['content-type']) : {}) as DeleteOptions;
  const grace = query.get('gracePeriodSeconds');
  const policy = query.get('propagationPolicy');
  const merged = {
    ...options,
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(policy === null ? {} : { propagationPolicy: policy }),
    ...(query.has('orphanDependents') ? { orphanDependents: isTrue(query.get('orphanDependents')) } : {}),
    ...(query.has('dryRun') ? { dryRun: query.getAll('dryRun') } : {}),
  };
  const { gracePeriodSeconds, propagationPolicy, orphanDependents } = merged;
  if (gracePeriodSeconds !== undefined && !(Number.isInteger(gracePeriodSeconds) && gracePeriodSeconds >= 0))
    throw badRequest(`gracePeriodSeconds: Invalid value: ${gracePeriodSeconds}`);
  if (propagationPolicy !== undefined && !['Background', 'Foreground', 'Orphan'].includes(propagationPolicy))
    throw badRequest(
      `propagationPolicy: Unsupported value: "${propagationPolicy}": supported values: "Background", "Foreground", "Orphan"`,
    );
  if (orphanDependents !== undefined && propagationPolicy !== undefined)
    throw invalidOptions(request, {
      field: 'propagationPolicy',
      message: `Invalid value: "${propagationPolicy}": orphanDependents and deletionPropagation cannot be both set`,
    });
  return orphanDependents ? { ...merged, propagationPolicy: 'Orphan' } : merged;
}

function remove(store: Store, request: ResourceRequest, object: KubeObject, options: DeleteOptions): unknown {
  const { resource } = request;
  const { name: plural } = resource;
  if (resource.fixed) throw unsupported(`deleting a ${resource.kind}`);
  const { name, namespace = '', uid, resourceVersion } = object.metadata;
  const { preconditions } = options;
  if (preconditions?.uid && preconditions.uid !== uid)
    throw conflict(
      resource,
      name,
      `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid}`,
    );
  if (preconditions?.resourceVersion && preconditions.resourceVersion !== resourceVersion)
    throw conflict(
      resource,
      name,
      `Precondition failed: ResourceVersion in precondition: ${preconditions.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`,
    );
  if (isDryRun(request, options.dryRun)) return object;

  if (plural === 'namespaces') {
    return store.update('namespaces', '', name, (before) => ({
      ...before,
      metadata: {
        ...before.metadata,
        deletionTimestamp: before.metadata.deletionTimestamp ?? wireTime(new Date()),
      },
      status: { ...before.status, phase: 'Terminating' },
    }));
  }
  const finalizer = FINALIZER[options.propagationPolicy ?? ''];
  deleteObject(store, plural, namespace, name, finalizer, options.gracePeriodSeconds);
  return store.get(plural, namespace, name) ?? deletedStatus(resource, name, uid);
}
