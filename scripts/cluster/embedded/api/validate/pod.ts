import type { Cause } from '../../errors.ts';
import { sameJson } from '../../same-json.ts';
import { asList, asObject, asText, isObject, type JsonObject } from '../json.ts';
import { duplicates, forbiddenField, notNegative, positive, required, wrong, wrongs } from './causes.ts';
import { containerCauses, fieldRefCauses } from './container.ts';
import { labelCauses, selectorCauses } from './metadata.ts';
import { configKeyErrors, labelKeyErrors, labelNameErrors, subdomainErrors } from './names.ts';

export function podSpecCauses(field: string, spec: JsonObject): Cause[] {
  const volumes = asList(spec.volumes).map(asObject);
  const containers = asList(spec.containers).map(asObject);
  const inits = asList(spec.initContainers).map(asObject);
  const mountable = new Set(volumes.map(({ name }) => asText(name)));
  const causes = volumes.flatMap((volume, index) => volumeCauses(`${field}.volumes[${index}]`, volume));
  causes.push(
    ...duplicates(
      volumes,
      (volume) => asObject(volume).name,
      (index) => `${field}.volumes[${index}].name`,
    ),
  );
  if (containers.length === 0) causes.push(required(`${field}.containers`));
  causes.push(
    ...containers.flatMap((container, index) =>
      containerCauses(`${field}.containers[${index}]`, container, mountable, 'container'),
    ),
    ...inits.flatMap((container, index) =>
      containerCauses(`${field}.initContainers[${index}]`, container, mountable, 'initContainer'),
    ),
    ...duplicates(
      [...containers, ...inits],
      (container) => asObject(container).name,
      (index) =>
        index < containers.length
          ? `${field}.containers[${index}].name`
          : `${field}.initContainers[${index - containers.length}].name`,
    ),
    ...labelCauses(`${field}.nodeSelector`, spec.nodeSelector),
    ...notNegative(`${field}.terminationGracePeriodSeconds`, spec.terminationGracePeriodSeconds),
    ...asList(spec.tolerations).flatMap((item, index) =>
      tolerationCauses(`${field}.tolerations[${index}]`, asObject(item)),
    ),
    ...asList(spec.topologySpreadConstraints).flatMap((item, index) =>
      spreadCauses(`${field}.topologySpreadConstraints[${index}]`, asObject(item)),
    ),
    ...duplicates(
      asList(spec.topologySpreadConstraints),
      (item) => `{${asText(asObject(item).topologyKey)}, ${asText(asObject(item).whenUnsatisfiable)}}`,
      (index) => `${field}.topologySpreadConstraints[${index}].{topologyKey, whenUnsatisfiable}`,
    ),
  );
  for (const key of ['serviceAccountName', 'nodeName']) {
    const name = asText(spec[key]);
    if (name) causes.push(...wrongs(`${field}.${key}`, name, subdomainErrors(name)));
  }
  return causes;
}

const sources = ['configMap', 'secret', 'emptyDir', 'projected', 'downwardAPI'];

function volumeCauses(field: string, volume: JsonObject): Cause[] {
  const name = asText(volume.name);
  const causes = name ? wrongs(`${field}.name`, name, labelNameErrors(name)) : [required(`${field}.name`)];
  const [source, ...others] = sources.filter((key) => isObject(volume[key]));
  causes.push(
    ...others.map((other) => forbiddenField(`${field}.${other}`, 'may not specify more than 1 volume type')),
  );
  if (!source) return [...causes, required(field, 'must specify a volume type')];
  const given = asObject(volume[source]);
  const at = `${field}.${source}`;
  if (source === 'configMap' && !given.name) causes.push(required(`${at}.name`));
  if (source === 'secret' && !given.secretName) causes.push(required(`${at}.secretName`));
  if (source !== 'projected') return [...causes, ...filesCauses(at, given, source)];
  return [
    ...causes,
    ...modeCauses(`${at}.defaultMode`, given.defaultMode),
    ...asList(given.sources).flatMap((item, index) =>
      projectionCauses(`${at}.sources[${index}]`, asObject(item)),
    ),
  ];
}

function projectionCauses(field: string, source: JsonObject): Cause[] {
  const [name, ...others] = Object.keys(source).filter((key) => isObject(source[key]));
  if (!name) return [required(field, 'must specify a projected volume source')];
  if (others.length) return [forbiddenField(field, 'may not specify more than 1 volume type per source')];
  const given = asObject(source[name]);
  const at = `${field}.${name}`;
  if (name !== 'serviceAccountToken') {
    const causes = filesCauses(at, given, name);
    return name !== 'downwardAPI' && !given.name ? [...causes, required(`${at}.name`)] : causes;
  }
  const seconds = given.expirationSeconds;
  const causes: Cause[] = given.path
    ? pathCauses(`${at}.path`, asText(given.path))
    : [required(`${at}.path`)];
  if (typeof seconds === 'number' && seconds < 600)
    causes.push(wrong(`${at}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes'));
  return causes;
}

function filesCauses(field: string, given: JsonObject, source: string): Cause[] {
  const items = asList(given.items).flatMap((entry, index) => {
    const item = asObject(entry);
    const at = `${field}.items[${index}]`;
    const causes = item.path ? pathCauses(`${at}.path`, asText(item.path)) : [required(`${at}.path`)];
    if (source !== 'downwardAPI') {
      if (!item.key) causes.push(required(`${at}.key`));
      else causes.push(...wrongs(`${at}.key`, item.key, configKeyErrors(asText(item.key))));
    } else if (!isObject(item.fieldRef)) {
      causes.push(required(at, 'one of fieldRef and resourceFieldRef is required'));
    } else {
      const more = ['metadata.annotations', 'metadata.labels'];
      causes.push(...fieldRefCauses(`${at}.fieldRef`, item.fieldRef, more));
    }
    return [...causes, ...modeCauses(`${at}.mode`, item.mode)];
  });
  return [...items, ...modeCauses(`${field}.defaultMode`, given.defaultMode)];
}

function pathCauses(field: string, path: string): Cause[] {
  if (path.startsWith('/')) return [wrong(field, path, 'must be a relative path')];
  if (path.split('/').includes('..')) return [wrong(field, path, "must not contain '..'")];
  return path.startsWith('..') ? [wrong(field, path, "must not start with '..'")] : [];
}

const modeCauses = (field: string, mode: unknown): Cause[] =>
  typeof mode === 'number' && (mode < 0 || mode > 0o777)
    ? [wrong(field, mode, 'must be a number between 0 and 0777 (octal), both inclusive')]
    : [];

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

function tolerationCauses(field: string, toleration: JsonObject): Cause[] {
  const { effect, key, operator, value, tolerationSeconds } = toleration;
  const causes: Cause[] = key ? wrongs(`${field}.key`, key, labelKeyErrors(asText(key))) : [];
  if (!key && operator !== 'Exists')
    causes.push(
      wrong(
        `${field}.operator`,
        operator ?? '',
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
    );
  if (operator === 'Exists' && value)
    causes.push(wrong(`${field}.operator`, toleration, "value must be empty when `operator` is 'Exists'"));
  if (tolerationSeconds !== undefined && effect !== 'NoExecute')
    causes.push(
      wrong(`${field}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set"),
    );
  if (effect && !effects.includes(asText(effect))) {
    const supported = effects.map((known) => JSON.stringify(known)).join(', ');
    causes.push({
      field: `${field}.effect`,
      message: `Unsupported value: ${JSON.stringify(effect)}: supported values: ${supported}`,
      reason: 'FieldValueNotSupported',
    });
  }
  return causes;
}

function spreadCauses(field: string, constraint: JsonObject): Cause[] {
  const causes =
    constraint.maxSkew === undefined
      ? [wrong(`${field}.maxSkew`, 0, 'must be greater than zero')]
      : positive(`${field}.maxSkew`, constraint.maxSkew);
  const { topologyKey } = constraint;
  if (!topologyKey) causes.push(required(`${field}.topologyKey`, 'can not be empty'));
  else causes.push(...wrongs(`${field}.topologyKey`, topologyKey, labelKeyErrors(asText(topologyKey))));
  if (!constraint.whenUnsatisfiable)
    causes.push({
      field: `${field}.whenUnsatisfiable`,
      message: 'Unsupported value: "": supported values: "DoNotSchedule", "ScheduleAnyway"',
      reason: 'FieldValueNotSupported',
    });
  if (asList(constraint.matchLabelKeys).length && !isObject(constraint.labelSelector))
    causes.push(
      forbiddenField(`${field}.matchLabelKeys`, 'must not be specified when labelSelector is not set'),
    );
  return [...causes, ...selectorCauses(`${field}.labelSelector`, asObject(constraint.labelSelector))];
}

const CHANGEABLE =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** Of a pod that is there only its images and further tolerations may change. */
export function podUpdateCauses(spec: JsonObject, before: JsonObject): Cause[] {
  const tolerations = asList(spec.tolerations);
  const kept = asList(before.tolerations).every((known) =>
    tolerations.some((toleration) => sameToleration(toleration, known)),
  );
  const causes = kept
    ? []
    : [
        forbiddenField(
          'spec.tolerations',
          'existing toleration can not be modified except its tolerationSeconds',
        ),
      ];
  for (const key of ['containers', 'initContainers']) {
    if (asList(spec[key]).length !== asList(before[key]).length)
      causes.push(forbiddenField(`spec.${key}`, 'pod updates may not add or remove containers'));
  }
  if (causes.length) return causes;
  // The scheduler's to set, once: an update that gives a node to a pod without one is a binding.
  const frozen = (of: JsonObject) => ({
    ...of,
    ...(before.nodeName ? {} : { nodeName: undefined }),
    tolerations: [],
    containers: withoutImages(of.containers),
    initContainers: withoutImages(of.initContainers),
  });
  return sameJson(frozen(spec), frozen(before)) ? [] : [forbiddenField('spec', CHANGEABLE)];
}

const withoutImages = (containers: unknown) =>
  asList(containers).map((container) => ({ ...asObject(container), image: '' }));
const sameToleration = (a: unknown, b: unknown) =>
  sameJson({ ...asObject(a), tolerationSeconds: 0 }, { ...asObject(b), tolerationSeconds: 0 });
