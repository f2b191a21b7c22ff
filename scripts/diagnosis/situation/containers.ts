// A container: what it is told, and how it is.
import type {
  V1ConfigMap,
  V1Container,
  V1ContainerState,
  V1ContainerStatus,
  V1Probe,
} from '@kubernetes/client-node';
import type { Plain } from '../../common/plain.ts';
import { type Setting, settingsOf } from '../settings.ts';
import { timeMs } from './events.ts';

export type ProbeSetting = {
  kind: 'startup' | 'readiness' | 'liveness';
  how: 'http' | 'grpc' | 'tcp' | 'exec';
  /** Undefined for `exec`, and for a name that no port of the container has. */
  port: number | undefined;
  /** With Kubernetes' defaults: 1 s, 10 s, 3. */
  timeoutSeconds: number;
  periodSeconds: number;
  failureThreshold: number;
};

export type Ended = {
  exitCode: number;
  reason: string;
  message: string;
  startedMs: number | undefined;
  endedMs: number | undefined;
};

export type ContainerState =
  | { kind: 'running'; sinceMs: number | undefined }
  | { kind: 'waiting'; reason: string; message: string }
  | ({ kind: 'terminated' } & Ended)
  | { kind: 'unseen' };

export type ContainerView = {
  name: string;
  image: string;
  imagePullPolicy: string | undefined;
  /** Init containers that go on running (sidecars) are not init here. */
  init: boolean;
  /** Place in the list of the pod's spec, and that list's name: for JSON patches. */
  path: string;
  ports: { name: string | undefined; port: number }[];
  /** Settings in the clear: its own and those of ConfigMaps. Secrets' are not known. */
  env: Setting[];
  /** Command and arguments. */
  words: string[];
  probes: ProbeSetting[];
  cpuLimit: number | undefined;
  state: ContainerState;
  last: Ended | undefined;
  restarts: number;
};

export function containerView(
  spec: Plain<V1Container>,
  path: string,
  status: Plain<V1ContainerStatus> | undefined,
  configMaps: readonly Plain<V1ConfigMap>[],
): ContainerView {
  const ports = (spec.ports ?? []).map(({ name, containerPort }) => ({ name, port: containerPort }));
  const probe = (kind: ProbeSetting['kind'], setting: Plain<V1Probe> | undefined) =>
    setting ? [probeSetting(kind, setting, ports)] : [];
  return {
    name: spec.name,
    image: spec.image ?? '',
    imagePullPolicy: spec.imagePullPolicy,
    init: path.startsWith('initContainers') && spec.restartPolicy !== 'Always',
    path,
    ports,
    env: settingsOf(spec, configMaps).filter(({ where }) => where.startsWith('env ')),
    words: [...(spec.command ?? []), ...(spec.args ?? [])],
    probes: [
      ...probe('startup', spec.startupProbe),
      ...probe('readiness', spec.readinessProbe),
      ...probe('liveness', spec.livenessProbe),
    ],
    cpuLimit: cores(spec.resources?.limits?.cpu),
    state: stateOf(status?.state),
    last: status?.lastState?.terminated && endedOf(status.lastState.terminated),
    restarts: status?.restartCount ?? 0,
  };
}

function probeSetting(
  kind: ProbeSetting['kind'],
  probe: Plain<V1Probe>,
  ports: ContainerView['ports'],
): ProbeSetting {
  const how = probe.grpc ? 'grpc' : probe.httpGet ? 'http' : probe.tcpSocket ? 'tcp' : 'exec';
  const port = probe.grpc?.port ?? probe.httpGet?.port ?? probe.tcpSocket?.port;
  return {
    kind,
    how,
    port: portNumber(port, ports),
    timeoutSeconds: probe.timeoutSeconds ?? 1,
    periodSeconds: probe.periodSeconds ?? 10,
    failureThreshold: probe.failureThreshold ?? 3,
  };
}

/** A port by number or by the name that a container gives it. */
export function portNumber(
  port: string | number | undefined,
  ports: ContainerView['ports'],
): number | undefined {
  if (port === undefined || typeof port === 'number') return port;
  return /^\d+$/.test(port) ? Number(port) : ports.find(({ name }) => name === port)?.port;
}

function stateOf(state: Plain<V1ContainerState> | undefined): ContainerState {
  if (state?.running) return { kind: 'running', sinceMs: timeMs(state.running.startedAt) };
  if (state?.terminated) return { kind: 'terminated', ...endedOf(state.terminated) };
  if (state?.waiting)
    return { kind: 'waiting', reason: state.waiting.reason ?? '', message: state.waiting.message ?? '' };
  return { kind: 'unseen' };
}

const endedOf = (ended: Plain<NonNullable<V1ContainerState['terminated']>>): Ended => ({
  exitCode: ended.exitCode,
  reason: ended.reason ?? '',
  message: ended.message ?? '',
  startedMs: timeMs(ended.startedAt),
  endedMs: timeMs(ended.finishedAt),
});

/** `250m` is a quarter of a core. */
function cores(quantity: string | undefined): number | undefined {
  const [, amount, milli] = /^(\d+(?:\.\d+)?)(m?)$/.exec(quantity ?? '') ?? [];
  return amount === undefined ? undefined : Number(amount) / (milli ? 1000 : 1);
}
