// ConfigMaps, Secrets, Roles and their bindings, Events, Nodes.
import type { Cause } from '../../errors.ts';
import { sameJson } from '../../same-json.ts';
import { asList, asObject, asText, type JsonObject } from '../json.ts';
import { forbiddenField, required, tooLong, wrong, wrongs } from './causes.ts';
import { configKeyErrors, labelKeyErrors, labelValueErrors } from './names.ts';

/** Bytes in one ConfigMap or Secret. */
const MOST = 1024 * 1024;

const isBase64 = (text: string) =>
  text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text.replaceAll(/[\r\n]/g, ''));

function dataCauses(field: string, data: unknown, areBytes: boolean): Cause[] {
  return Object.entries(asObject(data)).flatMap(([key, value]) => {
    const causes = wrongs(`${field}[${key}]`, key, configKeyErrors(key));
    if (areBytes && !isBase64(asText(value)))
      causes.push(wrong(`${field}[${key}]`, '<bytes>', 'illegal base64 data'));
    return causes;
  });
}

const sizeOf = (...parts: unknown[]) =>
  parts
    .flatMap((part) => Object.values(asObject(part)))
    .reduce<number>((sum, value) => sum + Buffer.byteLength(asText(value)), 0);

export function configMapCauses(object: JsonObject): Cause[] {
  const { data, binaryData } = object;
  const causes = [...dataCauses('data', data, false), ...dataCauses('binaryData', binaryData, true)];
  for (const key of Object.keys(asObject(binaryData)))
    if (Object.hasOwn(asObject(data), key))
      causes.push(wrong(`binaryData[${key}]`, key, 'duplicate of key present in data'));
  if (sizeOf(data, binaryData) > MOST) causes.push(tooLong('', MOST));
  return causes;
}

export function secretCauses(object: JsonObject): Cause[] {
  const causes = dataCauses('data', object.data, true);
  if (sizeOf(object.data) > (MOST * 4) / 3) causes.push(tooLong('data', MOST));
  const type = asText(object.type);
  if (type === 'kubernetes.io/tls') {
    for (const key of ['tls.crt', 'tls.key'])
      if (asObject(object.data)[key] === undefined) causes.push(required(`data[${key}]`));
  }
  return causes;
}

const held = ['data', 'binaryData', 'immutable'];

export function frozenCauses(object: JsonObject, before: JsonObject): Cause[] {
  const causes: Cause[] = [];
  if (before.type !== undefined && object.type !== before.type)
    causes.push(wrong('type', object.type, 'field is immutable'));
  if (before.immutable !== true) return causes;
  const changed = held.filter((key) => !sameJson(object[key], before[key]));
  return [
    ...causes,
    ...changed.map((key) => forbiddenField(key, 'field is immutable when `immutable` is set')),
  ];
}

export function roleCauses(object: JsonObject): Cause[] {
  return asList(object.rules).flatMap((item, index) => {
    const rule = asObject(item);
    const at = `rules[${index}]`;
    if (!asList(rule.verbs).length) return [required(`${at}.verbs`, 'verbs must contain at least one value')];
    const causes: Cause[] = [];
    if (!asList(rule.apiGroups).length)
      causes.push(required(`${at}.apiGroups`, 'resource rules must supply at least one api group'));
    if (!asList(rule.resources).length)
      causes.push(required(`${at}.resources`, 'resource rules must supply at least one resource'));
    return causes;
  });
}

export function roleBindingCauses(object: JsonObject): Cause[] {
  const { kind, name } = asObject(object.roleRef);
  const causes: Cause[] = [];
  if (!kind)
    causes.push({
      field: 'roleRef.kind',
      message: 'Unsupported value: "": supported values: "Role", "ClusterRole"',
      reason: 'FieldValueNotSupported',
    });
  if (!name) causes.push(required('roleRef.name'));
  for (const [index, item] of asList(object.subjects).entries()) {
    const subject = asObject(item);
    const at = `subjects[${index}]`;
    if (!subject.name) causes.push(required(`${at}.name`));
    if (subject.kind === 'ServiceAccount' && !subject.namespace) causes.push(required(`${at}.namespace`));
  }
  return causes;
}

export const roleBindingUpdateCauses = (object: JsonObject, before: JsonObject): Cause[] =>
  sameJson(object.roleRef, before.roleRef) ? [] : [wrong('roleRef', object.roleRef, 'cannot change roleRef')];

export function eventCauses(object: JsonObject): Cause[] {
  const about = asObject(object.involvedObject);
  const { namespace } = asObject(object.metadata);
  return (about.namespace ?? 'default') === namespace || (!about.namespace && namespace === 'default')
    ? []
    : [wrong('involvedObject.namespace', about.namespace ?? '', 'does not match event.namespace')];
}

export function nodeCauses(spec: JsonObject): Cause[] {
  const seen = new Set<string>();
  return asList(spec.taints).flatMap((item, index) => {
    const taint = asObject(item);
    const at = `metadata.taints[${index}]`;
    const causes = [
      ...wrongs(`${at}.key`, taint.key ?? '', labelKeyErrors(asText(taint.key))),
      ...wrongs(`${at}.value`, taint.value ?? '', labelValueErrors(asText(taint.value))),
    ];
    if (!taint.effect) causes.push(required(`${at}.effect`));
    const same = `${asText(taint.key)}:${asText(taint.effect)}`;
    if (seen.has(same)) causes.push(wrong(at, taint, 'taints must be unique by key and effect pair'));
    seen.add(same);
    return causes;
  });
}
