// What the server has, for clients that ask first: versions, groups and their resources.
import { type Resource, resources } from '../resources.ts';

/** The Kubernetes that is spoken. */
export const KUBERNETES_VERSION = 'v1.34.0';

const all = Object.values(resources);
const groups = [...new Set(all.map(({ group }) => group))].filter(Boolean).sort();

/** The document at a path without resources; undefined when there is none. */
export function discoveryDocument(path: string): unknown {
  if (path === '/version') return version();
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(groupOf) };
  if (path === '/api/v1') return resourceList('v1', '');
  const [, group] = /^\/apis\/([^/]+)(?:\/v1)?$/.exec(path) ?? [];
  if (group === undefined || !groups.includes(group)) return undefined;
  return path.endsWith('/v1')
    ? resourceList(`${group}/v1`, group)
    : { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(group) };
}

function version() {
  const [, major, minor] = /^v(\d+)\.(\d+)/.exec(KUBERNETES_VERSION) ?? [];
  return {
    major,
    minor,
    gitVersion: `${KUBERNETES_VERSION}+embedded`,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '',
    goVersion: '',
    compiler: 'node',
    platform: `${process.platform}/${process.arch}`,
  };
}

function groupOf(group: string) {
  const v1 = { groupVersion: `${group}/v1`, version: 'v1' };
  return { name: group, versions: [v1], preferredVersion: v1 };
}

function resourceList(groupVersion: string, group: string) {
  const served = all.filter((resource) => resource.group === group);
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion,
    resources: served.flatMap((resource) => [mainEntry(resource), ...subEntries(resource)]),
  };
}

const fixedVerbs = ['get', 'list', 'patch', 'update', 'watch'];
const allVerbs = ['create', 'delete', 'deletecollection', ...fixedVerbs];

const mainEntry = ({ name, singular, namespaced, kind, shortNames, categories, fixed }: Resource) => ({
  name,
  singularName: singular,
  namespaced,
  kind,
  verbs: fixed ? fixedVerbs : allVerbs,
  ...(shortNames.length > 0 ? { shortNames } : {}),
  ...(categories.length > 0 ? { categories } : {}),
});

const subVerbs: Partial<Record<Resource['subresources'][number], string[]>> = {
  log: ['get'],
  proxy: ['create', 'delete', 'get', 'patch', 'update'],
};

const subEntries = ({ name, namespaced, kind, subresources }: Resource) =>
  subresources.map((subresource) => ({
    name: `${name}/${subresource}`,
    singularName: '',
    namespaced,
    ...(subresource === 'scale' ? { group: 'autoscaling', version: 'v1', kind: 'Scale' } : { kind }),
    verbs: subVerbs[subresource] ?? ['get', 'patch', 'update'],
  }));
