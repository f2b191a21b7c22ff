// Are the values of an object right? In Kubernetes' words, after the fields are known and the defaults are in.
import type { Cause } from '../errors.ts';
import type { ResourceName } from '../objects.ts';
import type { Resource } from '../resources.ts';
import { asObject, asText, isObject, type JsonObject } from './json.ts';
import { metadataCauses, metadataUpdateCauses } from './validate/metadata.ts';
import { dns1035Errors, labelNameErrors, subdomainErrors } from './validate/names.ts';
import {
  configMapCauses,
  eventCauses,
  frozenCauses,
  nodeCauses,
  roleBindingCauses,
  roleBindingUpdateCauses,
  roleCauses,
  secretCauses,
} from './validate/others.ts';
import { podSpecCauses, podUpdateCauses } from './validate/pod.ts';
import { endpointSliceCauses, serviceCauses, serviceUpdateCauses } from './validate/service.ts';
import { workloadCauses, workloadUpdateCauses } from './validate/workload.ts';

type Rules = {
  name?: (name: string) => string[];
  check?: (object: JsonObject) => Cause[];
  update?: (object: JsonObject, before: JsonObject) => Cause[];
};

const specOf = (object: JsonObject) => asObject(object.spec);
const ofSpec =
  (check: (spec: JsonObject) => Cause[]) =>
  (object: JsonObject): Cause[] =>
    check(specOf(object));
const ofSpecs =
  (update: (spec: JsonObject, before: JsonObject) => Cause[]) =>
  (object: JsonObject, before: JsonObject): Cause[] =>
    update(specOf(object), specOf(before));

/** Names of RBAC are path segments, and may have anything else in them. */
function pathSegmentErrors(name: string): string[] {
  if (name === '.' || name === '..') return [`may not be '${name}'`];
  return ['/', '%']
    .filter((character) => name.includes(character))
    .map((found) => `may not contain '${found}'`);
}

const rules: Readonly<Record<ResourceName, Rules>> = {
  configmaps: { check: configMapCauses, update: frozenCauses },
  deployments: {
    check: ofSpec((spec) => workloadCauses('deployment', spec)),
    update: ofSpecs(workloadUpdateCauses),
  },
  endpointslices: { check: endpointSliceCauses },
  events: { check: eventCauses },
  namespaces: { name: labelNameErrors },
  nodes: { check: ofSpec(nodeCauses) },
  pods: {
    check: ofSpec((spec) => podSpecCauses('spec', spec)),
    update: ofSpecs(podUpdateCauses),
  },
  replicasets: {
    check: ofSpec((spec) => workloadCauses('replicaset', spec)),
    update: ofSpecs(workloadUpdateCauses),
  },
  rolebindings: { name: pathSegmentErrors, check: roleBindingCauses, update: roleBindingUpdateCauses },
  roles: { name: pathSegmentErrors, check: roleCauses },
  secrets: { check: secretCauses, update: frozenCauses },
  serviceaccounts: {},
  services: { name: dns1035Errors, check: ofSpec(serviceCauses), update: ofSpecs(serviceUpdateCauses) },
};

/**
 * What is wrong with an object; nothing when it is right.
 *
 * @param object with its defaults.
 * @param before as it is in the store, when it is updated.
 */
export function validate(resource: Resource, object: unknown, before?: unknown): Cause[] {
  const whole = asObject(object);
  const metadata = asObject(whole.metadata);
  const { name = subdomainErrors, check, update } = rules[resource.name];
  const causes = metadataCauses(metadata, resource.namespaced, name);
  causes.push(...(check?.(whole) ?? []));
  if (isObject(before)) {
    causes.push(
      ...metadataUpdateCauses(metadata, asObject(before.metadata)),
      ...(update?.(whole, before) ?? []),
    );
  }
  // The same cause twice says nothing more.
  const said = new Set<string>();
  return causes.filter(({ field, message }) => {
    const text = `${asText(field)}: ${message}`;
    return said.has(text) ? false : said.add(text);
  });
}
