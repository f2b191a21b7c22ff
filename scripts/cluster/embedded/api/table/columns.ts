// The columns of every kind, and the cells of a row: Kubernetes' own, wide ones with a priority of 1.
import type { Kinds, ResourceName } from '../../objects.ts';
import { asObject, asText } from '../json.ts';
import { ageOf } from './duration.ts';
import { podCells } from './pod.ts';

export type Column = { name: string; type: string; format: string; description: string; priority: number };
type Cells<T> = (object: T, nowMs: number) => unknown[];
export type Printer<T> = { columns: readonly Column[]; cells: Cells<T> };

const column = (name: string, priority: number, type = 'string'): Column => ({
  name,
  type,
  format: name === 'Name' ? 'name' : '',
  description: '',
  priority,
});

/** `Ready:integer` has a type; what follows `|` is wide. */
function columns(...names: string[]): Column[] {
  let priority = 0;
  return names.flatMap((name) => {
    if (name === '|') {
      priority = 1;
      return [];
    }
    const [title = '', type] = name.split(':');
    return [column(title, priority, type)];
  });
}

const NONE = '<none>';

const age = ({ metadata }: { metadata: { creationTimestamp: string } }, nowMs: number): string =>
  ageOf(metadata.creationTimestamp, nowMs);

type Selector = Kinds['deployments']['spec'] extends infer Spec | undefined
  ? Spec extends { selector: infer S }
    ? S
    : never
  : never;

const mapText = (labels: Readonly<Record<string, string>> | undefined): string =>
  Object.entries(labels ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join(',');

function selectorText(selector: Selector | undefined): string {
  const expressions = (selector?.matchExpressions ?? []).map(({ key, operator, values }) => {
    const list = `(${[...(values ?? [])].sort().join(',')})`;
    if (operator === 'In') return `${key} in ${list}`;
    if (operator === 'NotIn') return `${key} notin ${list}`;
    return operator === 'Exists' ? key : `!${key}`;
  });
  return [mapText(selector?.matchLabels), ...expressions].filter((part) => part !== '').join(',') || NONE;
}

type Template = NonNullable<Kinds['deployments']['spec']>['template'] | undefined;
const containerTexts = (template: Template): [string, string] => {
  const containers = template?.spec?.containers ?? [];
  return [containers.map(({ name }) => name).join(','), containers.map(({ image }) => image ?? '').join(',')];
};

/** At most three, and how many more there are. */
function some(all: readonly string[]): string {
  if (all.length === 0) return '<unset>';
  const first = all.slice(0, 3).join(',');
  return all.length > 3 ? `${first} + ${all.length - 3} more...` : first;
}

function nodeRoles(labels: Readonly<Record<string, string>> | undefined): string {
  const prefix = 'node-role.kubernetes.io/';
  const roles = Object.entries(labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(prefix) && key.length > prefix.length) return [key.slice(prefix.length)];
    return key === 'kubernetes.io/role' && value ? [value] : [];
  });
  return [...new Set(roles)].sort().join(',') || NONE;
}

function nodeCells(node: Kinds['nodes'], nowMs: number): unknown[] {
  const { status, spec, metadata } = node;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const state = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown';
  const address = (wanted: string) => status?.addresses?.find(({ type }) => type === wanted)?.address ?? NONE;
  const info = status?.nodeInfo;
  return [
    metadata.name,
    spec?.unschedulable ? `${state},SchedulingDisabled` : state,
    nodeRoles(metadata.labels),
    age(node, nowMs),
    info?.kubeletVersion ?? '',
    address('InternalIP'),
    address('ExternalIP'),
    info?.osImage || '<unknown>',
    info?.kernelVersion || '<unknown>',
    info?.containerRuntimeVersion || '<unknown>',
  ];
}

function eventCells(event: Kinds['events'], nowMs: number): unknown[] {
  const { involvedObject, metadata, series, source } = event;
  const first = ageOf(event.firstTimestamp || asText(event.eventTime), nowMs);
  const last = series
    ? ageOf(asText(series.lastObservedTime), nowMs)
    : event.lastTimestamp
      ? ageOf(event.lastTimestamp, nowMs)
      : first;
  const kind = (involvedObject.kind ?? '').toLowerCase();
  const component = source?.component || event.reportingComponent || '';
  const host = source?.host || event.reportingInstance || '';
  return [
    last,
    event.type ?? '',
    event.reason ?? '',
    involvedObject.name ? `${kind}/${involvedObject.name}` : kind,
    involvedObject.fieldPath ?? '',
    host ? `${component}, ${host}` : component,
    (event.message ?? '').trim(),
    first,
    series?.count ?? (event.count || 1),
    metadata.name,
  ];
}

const subjects = (binding: Kinds['rolebindings'], kind: string): string =>
  (binding.subjects ?? [])
    .filter((subject) => subject.kind === kind)
    .map(({ name, namespace }) => (kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name))
    .join(', ');

const count = (...maps: unknown[]): number =>
  maps.reduce<number>((sum, map) => sum + Object.keys(asObject(map)).length, 0);

export const printers: { readonly [Name in ResourceName]: Printer<Kinds[Name]> } = {
  configmaps: {
    columns: columns('Name', 'Data', 'Age'),
    cells: (it, now) => [it.metadata.name, String(count(it.data, it.binaryData)), age(it, now)],
  },
  deployments: {
    columns: columns(
      'Name',
      'Ready',
      'Up-to-date',
      'Available',
      'Age',
      '|',
      'Containers',
      'Images',
      'Selector',
    ),
    cells: (it, now) => [
      it.metadata.name,
      `${it.status?.readyReplicas ?? 0}/${it.spec?.replicas ?? 0}`,
      String(it.status?.updatedReplicas ?? 0),
      String(it.status?.availableReplicas ?? 0),
      age(it, now),
      ...containerTexts(it.spec?.template),
      selectorText(it.spec?.selector),
    ],
  },
  endpointslices: {
    columns: columns('Name', 'AddressType', 'Ports', 'Endpoints', 'Age'),
    cells: (it, now) => [
      it.metadata.name,
      it.addressType,
      some((it.ports ?? []).map(({ port, name }) => (port === undefined ? name || '*' : String(port)))),
      some((it.endpoints ?? []).flatMap(({ addresses }) => addresses)),
      age(it, now),
    ],
  },
  events: {
    columns: columns(
      ...['Last Seen', 'Type', 'Reason', 'Object', '|', 'Subobject', 'Source'],
      'Message',
      ...['First Seen', 'Count', 'Name'],
    ).map((it) => (it.name === 'Message' ? { ...it, priority: 0 } : it)),
    cells: eventCells,
  },
  namespaces: {
    columns: columns('Name', 'Status', 'Age'),
    cells: (it, now) => [it.metadata.name, it.status?.phase ?? '', age(it, now)],
  },
  nodes: {
    columns: columns(
      ...['Name', 'Status', 'Roles', 'Age', 'Version', '|', 'Internal-IP', 'External-IP'],
      ...['OS-Image', 'Kernel-Version', 'Container-Runtime'],
    ),
    cells: nodeCells,
  },
  pods: {
    columns: columns(
      ...['Name', 'Ready', 'Status', 'Restarts', 'Age'],
      ...['|', 'IP', 'Node', 'Nominated Node', 'Readiness Gates'],
    ),
    cells: podCells,
  },
  replicasets: {
    columns: columns('Name', 'Desired', 'Current', 'Ready', 'Age', '|', 'Containers', 'Images', 'Selector'),
    cells: (it, now) => [
      it.metadata.name,
      String(it.spec?.replicas ?? 0),
      String(it.status?.replicas ?? 0),
      String(it.status?.readyReplicas ?? 0),
      age(it, now),
      ...containerTexts(it.spec?.template),
      selectorText(it.spec?.selector),
    ],
  },
  rolebindings: {
    columns: columns('Name', 'Role', 'Age', '|', 'Users', 'Groups', 'ServiceAccounts'),
    cells: (it, now) => [
      it.metadata.name,
      `${it.roleRef.kind}/${it.roleRef.name}`,
      age(it, now),
      subjects(it, 'User'),
      subjects(it, 'Group'),
      subjects(it, 'ServiceAccount'),
    ],
  },
  roles: {
    columns: columns('Name', 'Created At'),
    cells: (it) => [it.metadata.name, it.metadata.creationTimestamp],
  },
  secrets: {
    columns: columns('Name', 'Type', 'Data', 'Age'),
    cells: (it, now) => [it.metadata.name, it.type ?? '', String(count(it.data)), age(it, now)],
  },
  serviceaccounts: {
    columns: columns('Name', 'Secrets', 'Age'),
    cells: (it, now) => [it.metadata.name, String(it.secrets?.length ?? 0), age(it, now)],
  },
  services: {
    columns: columns('Name', 'Type', 'Cluster-IP', 'External-IP', 'Port(s)', 'Age', '|', 'Selector'),
    cells: (it, now) => [
      it.metadata.name,
      it.spec?.type ?? '',
      it.spec?.clusterIP || NONE,
      NONE,
      (it.spec?.ports ?? []).map(({ port, protocol }) => `${port}/${protocol ?? 'TCP'}`).join(',') || NONE,
      age(it, now),
      mapText(it.spec?.selector) || NONE,
    ],
  },
};
