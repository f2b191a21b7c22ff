// Deployments and ReplicaSets.
import type { Cause } from '../../errors.ts';
import { type LabelSelector, matchesSelector } from '../../label-selector.ts';
import { sameJson } from '../../same-json.ts';
import { asList, asObject, asText, type JsonObject } from '../json.ts';
import { forbiddenField, notNegative, required, wrong } from './causes.ts';
import { annotationCauses, labelCauses, selectorCauses } from './metadata.ts';
import { podSpecCauses } from './pod.ts';

export function workloadCauses(kind: 'deployment' | 'replicaset', spec: JsonObject): Cause[] {
  const causes: Cause[] = [];
  const selector = asObject(spec.selector);
  const isEmpty =
    !Object.keys(asObject(selector.matchLabels)).length && !asList(selector.matchExpressions).length;
  if (spec.selector === undefined) causes.push(required('spec.selector'));
  else if (isEmpty) causes.push(wrong('spec.selector', selector, `empty selector is invalid for ${kind}`));
  causes.push(...selectorCauses('spec.selector', selector));
  causes.push(
    ...notNegative('spec.replicas', spec.replicas),
    ...notNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...templateCauses(asObject(spec.template), selector, isEmpty),
  );
  return kind === 'deployment' ? [...causes, ...deploymentCauses(spec)] : causes;
}

function templateCauses(template: JsonObject, selector: JsonObject, isEmpty: boolean): Cause[] {
  const at = 'spec.template';
  const metadata = asObject(template.metadata);
  const labels = asObject(metadata.labels);
  const spec = asObject(template.spec);
  const causes: Cause[] = [];
  if (!isEmpty && !matchesSelector(selector as LabelSelector, labels as Record<string, string>))
    causes.push(wrong(`${at}.metadata.labels`, labels, '`selector` does not match template `labels`'));
  causes.push(
    ...labelCauses(`${at}.labels`, labels),
    ...annotationCauses(`${at}.annotations`, metadata.annotations),
    ...podSpecCauses(`${at}.spec`, spec),
  );
  const policy = asText(spec.restartPolicy);
  if (policy && policy !== 'Always')
    causes.push({
      field: `${at}.spec.restartPolicy`,
      message: `Unsupported value: ${JSON.stringify(policy)}: supported values: "Always"`,
      reason: 'FieldValueNotSupported',
    });
  return causes;
}

function deploymentCauses(spec: JsonObject): Cause[] {
  const causes = [
    ...notNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
    ...notNegative('spec.progressDeadlineSeconds', spec.progressDeadlineSeconds),
    ...strategyCauses(asObject(spec.strategy)),
  ];
  const deadline = spec.progressDeadlineSeconds;
  const ready = typeof spec.minReadySeconds === 'number' ? spec.minReadySeconds : 0;
  if (typeof deadline === 'number' && deadline >= 0 && deadline <= ready)
    causes.push(wrong('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'));
  return causes;
}

const isZero = (value: unknown) => value === 0 || (typeof value === 'string' && /^0+%$/.test(value));

function strategyCauses(strategy: JsonObject): Cause[] {
  const { type, rollingUpdate } = strategy;
  const at = 'spec.strategy.rollingUpdate';
  if (type === 'Recreate' && rollingUpdate !== undefined)
    return [forbiddenField(at, "may not be specified when strategy `type` is 'Recreate'")];
  if (type !== 'RollingUpdate' || rollingUpdate === undefined) return [];
  const { maxSurge, maxUnavailable } = asObject(rollingUpdate);
  const causes = [
    ...amountCauses(`${at}.maxUnavailable`, maxUnavailable),
    ...amountCauses(`${at}.maxSurge`, maxSurge),
  ];
  if (isZero(maxSurge) && isZero(maxUnavailable))
    causes.push(wrong(`${at}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
  if (typeof maxUnavailable === 'string' && Number.parseInt(maxUnavailable, 10) > 100)
    causes.push(wrong(`${at}.maxUnavailable`, maxUnavailable, 'must not be greater than 100%'));
  return causes;
}

function amountCauses(field: string, amount: unknown): Cause[] {
  if (typeof amount === 'number') return notNegative(field, amount);
  if (typeof amount !== 'string' || /^[0-9]+%$/.test(amount)) return [];
  const why =
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
  return [wrong(field, amount, why)];
}

export function workloadUpdateCauses(spec: JsonObject, before: JsonObject): Cause[] {
  return sameJson(spec.selector, before.selector)
    ? []
    : [wrong('spec.selector', spec.selector, 'field is immutable')];
}
