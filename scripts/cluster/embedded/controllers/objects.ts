// What the controllers have in common about objects: keys, owners, selectors.
import type { Deployment, KubeObject, Meta } from '../objects.ts';

type Named = { metadata: { name: string; namespace?: string } };
export type LabelSelector = NonNullable<NonNullable<Deployment['spec']>['selector']>;
export type OwnerReference = NonNullable<Meta['ownerReferences']>[number];

/** `namespace/name` */
export const keyOf = ({ metadata }: Named): string => `${metadata.namespace ?? ''}/${metadata.name}`;

export function splitKey(key: string): [namespace: string, name: string] {
  const [namespace = '', name = ''] = key.split('/');
  return [namespace, name];
}

/** The one owner that manages it. */
export const controllerOf = ({ metadata }: { metadata: Meta }): OwnerReference | undefined =>
  metadata.ownerReferences?.find(({ controller }) => controller);

export const controllerReference = ({ apiVersion, kind, metadata }: KubeObject): OwnerReference => ({
  apiVersion,
  kind,
  name: metadata.name,
  uid: metadata.uid,
  controller: true,
  blockOwnerDeletion: true,
});
