// A container's environment: its own variables, those of the Services, and nothing of this machine's.
import type { V1Container } from '@kubernetes/client-node';
import type { Plain } from '../../../common/plain.ts';
import type { Pod } from '../objects.ts';
import type { Store } from '../store.ts';
import { fieldValue, type Placement } from './field.ts';

export type Container = Plain<V1Container>;
type Env = Record<string, string>;
type EnvVar = NonNullable<Container['env']>[number];

/** What the image has: see services/Dockerfile and the image that it builds on. */
const imageEnv: Env = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/home/node',
  NODE_VERSION: process.versions.node,
  NODE_ENV: 'production',
};

/**
 * @throws Error with the kubelet's message of CreateContainerConfigError.
 */
export function containerEnv(
  store: Store,
  pod: Pod,
  container: Container,
  placement: Placement,
  apiServer: { host: string; port: number },
): Env {
  const namespace = pod.metadata.namespace ?? '';
  const services = serviceEnv(store, pod, apiServer);
  const given: Env = {};
  for (const source of container.envFrom ?? []) {
    const { configMapRef, secretRef, prefix = '' } = source;
    const data = configMapRef
      ? configMapData(store, namespace, configMapRef.name ?? '', configMapRef.optional)
      : secretData(store, namespace, secretRef?.name ?? '', secretRef?.optional);
    for (const [key, value] of Object.entries(data ?? {})) given[prefix + key] = value;
  }
  for (const variable of container.env ?? []) {
    const value = valueFor(variable);
    if (value !== undefined) given[variable.name] = value;
  }
  return { ...imageEnv, HOSTNAME: pod.metadata.name, ...services, ...given };

  function valueFor({ value, valueFrom }: EnvVar): string | undefined {
    if (!valueFrom) return expand(value ?? '', { ...services, ...given });
    const { fieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
    if (fieldRef) return fieldValue(pod, placement, fieldRef.fieldPath);
    if (configMapKeyRef) {
      const { name = '', key, optional } = configMapKeyRef;
      const data = configMapData(store, namespace, name, optional);
      if (data && !(key in data) && !optional)
        throw new Error(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
      return data?.[key];
    }
    if (secretKeyRef) {
      const { name = '', key, optional } = secretKeyRef;
      const data = secretData(store, namespace, name, optional);
      if (data && !(key in data) && !optional)
        throw new Error(`couldn't find key ${key} in Secret ${namespace}/${name}`);
      return data?.[key];
    }
    throw new Error('only fieldRef, configMapKeyRef and secretKeyRef are supported by the embedded provider');
  }
}

function configMapData(store: Store, namespace: string, name: string, optional?: boolean): Env | undefined {
  const found = store.get('configmaps', namespace, name);
  if (!found && !optional) throw new Error(`configmap "${name}" not found`);
  return found && (found.data ?? {});
}

function secretData(store: Store, namespace: string, name: string, optional?: boolean): Env | undefined {
  const found = store.get('secrets', namespace, name);
  if (!found && !optional) throw new Error(`secret "${name}" not found`);
  const entries = Object.entries(found?.data ?? {});
  return found && Object.fromEntries(entries.map(([key, value]) => [key, fromBase64(value)]));
}

const fromBase64 = (text: string) => Buffer.from(text, 'base64').toString();

/** `$(NAME)` of a variable that there is; `$$(NAME)` is `$(NAME)` as it stands. */
export function expand(text: string, env: Env): string {
  return text.replaceAll(/\$\$|\$\(([^)]*)\)/g, (found, name?: string) => {
    if (found === '$$') return '$';
    return name !== undefined && Object.hasOwn(env, name) ? (env[name] as string) : found;
  });
}

/** The API server's, and unless `enableServiceLinks` is false those of the namespace's Services with an address. */
function serviceEnv(store: Store, pod: Pod, apiServer: { host: string; port: number }): Env {
  const env: Env = {};
  if (pod.spec?.enableServiceLinks !== false) {
    for (const { metadata, spec } of store.list('services', pod.metadata.namespace)) {
      if (!spec?.clusterIP || spec.clusterIP === 'None') continue;
      const ports = (spec.ports ?? []).map(({ name, port, protocol = 'TCP' }) => ({ name, port, protocol }));
      Object.assign(env, variablesOf(metadata.name, spec.clusterIP, ports));
    }
  }
  const https = [{ name: 'https', port: apiServer.port, protocol: 'TCP' }];
  return { ...env, ...variablesOf('kubernetes', apiServer.host, https) };
}

function variablesOf(
  service: string,
  host: string,
  ports: readonly { name?: string | undefined; port: number; protocol: string }[],
): Env {
  const upper = (text: string) => text.toUpperCase().replaceAll('-', '_');
  const prefix = upper(service);
  const [first] = ports;
  if (!first) return {};
  const url = (port: number, protocol: string) => `${protocol.toLowerCase()}://${host}:${port}`;
  const env: Env = {
    [`${prefix}_SERVICE_HOST`]: host,
    [`${prefix}_SERVICE_PORT`]: String(first.port),
    [`${prefix}_PORT`]: url(first.port, first.protocol),
  };
  for (const { name, port, protocol } of ports) {
    if (name) env[`${prefix}_SERVICE_PORT_${upper(name)}`] = String(port);
    const each = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
    env[each] = url(port, protocol);
    env[`${each}_PROTO`] = protocol.toLowerCase();
    env[`${each}_PORT`] = String(port);
    env[`${each}_ADDR`] = host;
  }
  return env;
}
