import type { Cause } from '../../errors.ts';
import { asList, asObject, asText, isObject, type JsonObject } from '../json.ts';
import {
  duplicate,
  forbiddenField,
  notFoundValue,
  notNegative,
  positive,
  required,
  wrong,
  wrongs,
} from './causes.ts';
import {
  configKeyErrors,
  envNameErrors,
  headerNameErrors,
  isPort,
  labelNameErrors,
  PORT_RANGE,
  portNameErrors,
} from './names.ts';

type Kind = 'container' | 'initContainer';

/** @param volumes the names that may be mounted. */
export function containerCauses(
  field: string,
  container: JsonObject,
  volumes: ReadonlySet<string>,
  kind: Kind,
): Cause[] {
  const name = asText(container.name);
  const causes: Cause[] = [];
  if (!name) causes.push(required(`${field}.name`));
  else causes.push(...wrongs(`${field}.name`, name, labelNameErrors(name)));
  const image = asText(container.image);
  if (!image) causes.push(required(`${field}.image`));
  else if (image !== image.trim())
    causes.push(wrong(`${field}.image`, image, 'must not have leading or trailing whitespace'));
  causes.push(
    ...portCauses(`${field}.ports`, asList(container.ports)),
    ...asList(container.env).flatMap((env, index) => envCauses(`${field}.env[${index}]`, asObject(env))),
    ...asList(container.envFrom).flatMap((from, index) =>
      envFromCauses(`${field}.envFrom[${index}]`, asObject(from)),
    ),
    ...mountCauses(`${field}.volumeMounts`, asList(container.volumeMounts), volumes),
  );
  const probes = ['livenessProbe', 'readinessProbe', 'startupProbe'].filter((probe) =>
    isObject(container[probe]),
  );
  const only = (probe: string) =>
    kind === 'initContainer'
      ? [
          forbiddenField(
            `${field}.${probe}`,
            'may not be set for init containers without restartPolicy=Always',
          ),
        ]
      : probeCauses(`${field}.${probe}`, asObject(container[probe]), probe);
  causes.push(...probes.flatMap(only));
  const { preStop } = asObject(container.lifecycle);
  if (isObject(container.lifecycle) && kind === 'initContainer')
    causes.push(
      forbiddenField(`${field}.lifecycle`, 'may not be set for init containers without restartPolicy=Always'),
    );
  else if (isObject(preStop)) causes.push(...handlerCauses(`${field}.lifecycle.preStop`, preStop));
  return causes;
}

function portCauses(field: string, ports: readonly unknown[]): Cause[] {
  const names = new Set<string>();
  return ports.flatMap((item, index) => {
    const { name, containerPort } = asObject(item);
    const at = `${field}[${index}]`;
    const causes: Cause[] = [];
    if (typeof name === 'string' && name !== '') {
      const errors = wrongs(`${at}.name`, name, portNameErrors(name));
      if (errors.length) causes.push(...errors);
      else if (names.has(name)) causes.push(duplicate(`${at}.name`, name));
      names.add(name);
    }
    if (!containerPort) causes.push(required(`${at}.containerPort`));
    else if (!isPort(containerPort)) causes.push(wrong(`${at}.containerPort`, containerPort, PORT_RANGE));
    return causes;
  });
}

const downwardFields = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const keyed = /^metadata\.(labels|annotations)\['[^']+'\]$/;

/** @param more fields that only files can show. */
export function fieldRefCauses(field: string, ref: JsonObject, more: readonly string[] = []): Cause[] {
  const path = asText(ref.fieldPath);
  const valid = [...downwardFields, ...more];
  if (!path) return [required(`${field}.fieldPath`)];
  if (valid.includes(path) || keyed.test(path)) return [];
  const supported = [...valid].sort().map((known) => JSON.stringify(known));
  return [
    {
      field: `${field}.fieldPath`,
      message: `Unsupported value: ${JSON.stringify(path)}: supported values: ${supported.join(', ')}`,
      reason: 'FieldValueNotSupported',
    },
  ];
}

function envCauses(field: string, env: JsonObject): Cause[] {
  const name = asText(env.name);
  const causes = name ? wrongs(`${field}.name`, name, envNameErrors(name)) : [required(`${field}.name`)];
  if (!isObject(env.valueFrom)) return causes;
  const from = env.valueFrom;
  const sources = Object.keys(from);
  if (sources.length === 0)
    causes.push(
      wrong(
        `${field}.valueFrom`,
        '',
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      ),
    );
  if (sources.length > 1)
    causes.push(wrong(`${field}.valueFrom`, '', 'may not have more than one field specified at a time'));
  if (env.value)
    causes.push(wrong(`${field}.valueFrom`, '', 'may not be specified when `value` is not empty'));
  if (isObject(from.fieldRef)) causes.push(...fieldRefCauses(`${field}.valueFrom.fieldRef`, from.fieldRef));
  for (const source of ['configMapKeyRef', 'secretKeyRef']) {
    if (!isObject(from[source])) continue;
    const { name: object, key } = from[source];
    const at = `${field}.valueFrom.${source}`;
    if (!object) causes.push(required(`${at}.name`));
    if (!key) causes.push(required(`${at}.key`));
    else causes.push(...wrongs(`${at}.key`, key, configKeyErrors(asText(key))));
  }
  return causes;
}

function envFromCauses(field: string, from: JsonObject): Cause[] {
  const sources = ['configMapRef', 'secretRef'].filter((source) => isObject(from[source]));
  if (sources.length === 0) return [wrong(field, '', 'must specify one of: `configMapRef` or `secretRef`')];
  if (sources.length > 1) return [wrong(field, '', 'may not have more than one field specified at a time')];
  const [source = ''] = sources;
  const causes = from.prefix
    ? wrongs(`${field}.prefix`, from.prefix, envNameErrors(asText(from.prefix)))
    : [];
  if (!asObject(from[source]).name) causes.push(required(`${field}.${source}.name`));
  return causes;
}

function mountCauses(field: string, mounts: readonly unknown[], volumes: ReadonlySet<string>): Cause[] {
  const paths = new Set<unknown>();
  return mounts.flatMap((item, index) => {
    const { name, mountPath } = asObject(item);
    const at = `${field}[${index}]`;
    const causes: Cause[] = [];
    if (!name) causes.push(required(`${at}.name`));
    else if (!volumes.has(asText(name))) causes.push(notFoundValue(`${at}.name`, name));
    if (!mountPath) causes.push(required(`${at}.mountPath`));
    else if (paths.has(mountPath)) causes.push(wrong(`${at}.mountPath`, mountPath, 'must be unique'));
    paths.add(mountPath);
    return causes;
  });
}

function targetCauses(field: string, port: unknown): Cause[] {
  if (port === undefined) return [required(field)];
  if (typeof port === 'string') return wrongs(field, port, portNameErrors(port));
  return isPort(port) ? [] : [wrong(field, port, PORT_RANGE)];
}

const handlers = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'];

function handlerCauses(field: string, handler: JsonObject): Cause[] {
  const given = handlers.filter((name) => isObject(handler[name]));
  if (given.length === 0) return [required(field, 'must specify a handler type')];
  const [name = '', ...others] = given;
  const causes = others.map((other) =>
    forbiddenField(`${field}.${other}`, 'may not specify more than 1 handler type'),
  );
  const action = asObject(handler[name]);
  const at = `${field}.${name}`;
  if (name === 'exec' && !asList(action.command).length) causes.push(required(`${at}.command`));
  if (name === 'httpGet' && action.path === '') causes.push(required(`${at}.path`));
  for (const header of asList(action.httpHeaders).map(asObject))
    causes.push(...wrongs(`${at}.httpHeaders`, header.name, headerNameErrors(asText(header.name))));
  if (name === 'httpGet' || name === 'tcpSocket') causes.push(...targetCauses(`${at}.port`, action.port));
  if (name === 'grpc')
    causes.push(...(isPort(action.port) ? [] : [wrong(`${at}.port`, action.port ?? 0, PORT_RANGE)]));
  if (name === 'sleep') causes.push(...notNegative(`${at}.seconds`, action.seconds ?? 0));
  return causes;
}

function probeCauses(field: string, probe: JsonObject, name: string): Cause[] {
  const causes = handlerCauses(field, probe);
  causes.push(...notNegative(`${field}.initialDelaySeconds`, probe.initialDelaySeconds));
  for (const key of ['timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'])
    causes.push(...notNegative(`${field}.${key}`, probe[key]));
  if (name !== 'readinessProbe') {
    if (typeof probe.successThreshold === 'number' && probe.successThreshold > 1)
      causes.push(wrong(`${field}.successThreshold`, probe.successThreshold, 'must be 1'));
    causes.push(...positive(`${field}.terminationGracePeriodSeconds`, probe.terminationGracePeriodSeconds));
  } else if (probe.terminationGracePeriodSeconds !== undefined) {
    causes.push(
      wrong(
        `${field}.terminationGracePeriodSeconds`,
        probe.terminationGracePeriodSeconds,
        'must not be set for readinessProbes',
      ),
    );
  }
  return causes;
}
