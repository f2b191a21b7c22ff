// get and list.
import { notFound } from '../errors.ts';
import type { KubeObject } from '../objects.ts';
import type { Store } from '../store.ts';
import type { ResourceRequest } from './request.ts';
import { parseFieldSelector, parseLabelSelector } from './selectors.ts';

/** @throws ApiError 404. */
export function readObject(store: Store, { resource, namespace, name }: ResourceRequest): KubeObject {
  const object = store.get(resource.name, namespace, name);
  if (!object) throw notFound(resource, name);
  return object as KubeObject;
}

/** What a request's namespace, name and selectors select. @throws ApiError 400 on a malformed selector. */
export function selection({
  resource,
  namespace,
  name,
  query,
}: ResourceRequest): (object: KubeObject) => boolean {
  const byLabels = parseLabelSelector(query.get('labelSelector') ?? '');
  const byFields = parseFieldSelector(resource, query.get('fieldSelector') ?? '');
  return (object) =>
    (namespace === '' || object.metadata.namespace === namespace) &&
    (name === '' || object.metadata.name === name) &&
    byLabels(object) &&
    byFields(object);
}

export function listObjects(store: Store, request: ResourceRequest): KubeObject[] {
  const matches = selection(request);
  const all = store.list(request.resource.name, request.namespace || undefined) as KubeObject[];
  return all.filter(matches);
}
