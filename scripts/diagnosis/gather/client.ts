// The client of a question: what it is made from, and which pods are its own.
import type { Question } from '../facts.ts';
import type { Look } from './look.ts';
import type { ObjectOf, ResourceName } from './resources.ts';

type Kind = Question['client']['kind'];
export const WORKLOADS = {
  Deployment: 'deployments',
  StatefulSet: 'statefulsets',
  DaemonSet: 'daemonsets',
} as const satisfies Record<Kind, ResourceName>;

export type PodTemplate = NonNullable<ObjectOf['daemonsets']['spec']>['template'];
type Container = NonNullable<PodTemplate['spec']>['containers'][number];

/** What the client's pods are made from; undefined where it cannot be seen. */
export async function templateOf(look: Look, { client }: Question): Promise<PodTemplate | undefined> {
  const object = await look.get(WORKLOADS[client.kind], client.name, client.namespace);
  return object?.spec?.template;
}

/** Those that a target may be set in: sidecars are not told apart. */
export const containersOf = (template: PodTemplate | undefined): Container[] =>
  template?.spec?.containers ?? [];

/** Whether a pod is one of the client's, by who made it. A ReplicaSet is called after its Deployment and the template. */
export function isOfClient({ metadata }: ObjectOf['pods'], { client }: Question): boolean {
  if (metadata?.namespace !== client.namespace) return false;
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller !== false);
  if (client.kind !== 'Deployment') return owner?.kind === client.kind && owner.name === client.name;
  const hash = metadata?.labels?.['pod-template-hash'];
  return owner?.kind === 'ReplicaSet' && owner.name === `${client.name}-${hash}`;
}

/** Names of the ConfigMaps that variables of the client are taken from. */
export function configMapsOf(template: PodTemplate | undefined): string[] {
  const containers = [...containersOf(template), ...(template?.spec?.initContainers ?? [])];
  const names = containers.flatMap(({ env = [], envFrom = [] }) => [
    ...env.map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name),
    ...envFrom.map(({ configMapRef }) => configMapRef?.name),
  ]);
  return [...new Set(names.filter((name) => name !== undefined))];
}
