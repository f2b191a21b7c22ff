import type { Cause } from '../../errors.ts';
import { sameJson } from '../../same-json.ts';
import { asList, asObject, asText, type JsonObject } from '../json.ts';
import { forbiddenField, required, tooLong, wrong, wrongs } from './causes.ts';
import { labelKeyErrors, labelNameErrors, labelValueErrors } from './names.ts';

/** Bytes of all annotations together. */
const ANNOTATIONS = 256 * 1024;

export function labelCauses(field: string, labels: unknown): Cause[] {
  return Object.entries(asObject(labels)).flatMap(([key, value]) => [
    ...wrongs(field, key, labelKeyErrors(key)),
    ...wrongs(field, value, labelValueErrors(asText(value))),
  ]);
}

export function annotationCauses(field: string, annotations: unknown): Cause[] {
  const entries = Object.entries(asObject(annotations));
  const size = entries.reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(asText(value)),
    0,
  );
  const causes = entries.flatMap(([key]) => wrongs(field, key, labelKeyErrors(key.toLowerCase())));
  return size > ANNOTATIONS ? [...causes, tooLong(field, ANNOTATIONS)] : causes;
}

function ownerCauses(metadata: JsonObject): Cause[] {
  const owners = asList(metadata.ownerReferences).map(asObject);
  const causes = owners.flatMap((owner, index) =>
    ['apiVersion', 'kind', 'name', 'uid']
      .filter((key) => !owner[key])
      .map((key) =>
        wrong(`metadata.ownerReferences[${index}].${key}`, asText(owner[key]), `${key} must not be empty`),
      ),
  );
  const controllers = owners.filter(({ controller }) => controller === true);
  if (controllers.length < 2) return causes;
  const why = `Only one reference can have Controller set to true. Found "true" in references for ${controllers
    .slice(0, 2)
    .map(({ kind, name }) => `${kind}/${name}`)
    .join(' and ')}`;
  return [...causes, wrong('metadata.ownerReferences', owners, why)];
}

export function metadataCauses(
  metadata: JsonObject,
  namespaced: boolean,
  nameErrors: (name: string) => string[],
): Cause[] {
  const name = asText(metadata.name);
  const namespace = asText(metadata.namespace);
  const causes: Cause[] = [];
  if (!name) causes.push(required('metadata.name', 'name or generateName is required'));
  else causes.push(...wrongs('metadata.name', name, nameErrors(name)));
  if (namespaced && !namespace) causes.push(required('metadata.namespace'));
  else if (namespaced) causes.push(...wrongs('metadata.namespace', namespace, labelNameErrors(namespace)));
  else if (namespace) causes.push(forbiddenField('metadata.namespace', 'not allowed on this type'));
  return [
    ...causes,
    ...labelCauses('metadata.labels', metadata.labels),
    ...annotationCauses('metadata.annotations', metadata.annotations),
    ...asList(metadata.finalizers).flatMap((finalizer, index) =>
      wrongs(`metadata.finalizers[${index}]`, finalizer, finalizerErrors(asText(finalizer))),
    ),
    ...ownerCauses(metadata),
  ];
}

function finalizerErrors(name: string): string[] {
  const errors = labelKeyErrors(name);
  if (errors.length) return errors;
  const standard = ['foregroundDeletion', 'orphan', 'kubernetes'];
  if (name.includes('/') || standard.includes(name)) return [];
  return ['name is neither a standard finalizer name nor is it fully qualified'];
}

const immutable = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
];

export function metadataUpdateCauses(metadata: JsonObject, before: JsonObject): Cause[] {
  const changed = immutable.filter(
    (key) => metadata[key] !== undefined && metadata[key] !== '' && metadata[key] !== before[key],
  );
  const causes = changed.map((key) => wrong(`metadata.${key}`, metadata[key], 'field is immutable'));
  const added = asList(metadata.finalizers).filter(
    (finalizer) => !asList(before.finalizers).some((known) => sameJson(known, finalizer)),
  );
  if (before.deletionTimestamp && added.length) {
    const why = `no new finalizers can be added if the object is being deleted, found new finalizers [${added
      .map((finalizer) => JSON.stringify(finalizer))
      .join(' ')}]`;
    causes.push(forbiddenField('metadata.finalizers', why));
  }
  return causes;
}

export function selectorCauses(field: string, selector: JsonObject): Cause[] {
  return [
    ...labelCauses(`${field}.matchLabels`, selector.matchLabels),
    ...asList(selector.matchExpressions).flatMap((item, index) => {
      const { key, operator, values } = asObject(item);
      const at = `${field}.matchExpressions[${index}]`;
      const several = asList(values);
      const causes = wrongs(`${at}.key`, key, labelKeyErrors(asText(key)));
      if (!operator) causes.push(wrong(`${at}.operator`, '', 'not a valid selector operator'));
      if ((operator === 'In' || operator === 'NotIn') && !several.length)
        causes.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      if ((operator === 'Exists' || operator === 'DoesNotExist') && several.length)
        causes.push(
          forbiddenField(
            `${at}.values`,
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
          ),
        );
      for (const [place, value] of several.entries())
        causes.push(...wrongs(`${at}.values[${place}]`, value, labelValueErrors(asText(value))));
      return causes;
    }),
  ];
}
