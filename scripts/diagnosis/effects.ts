// What causes do: which failures each accounts for, which others are only its effects, how early on a call's way it is.
import type { Cause } from './causes.ts';

/** The way of a call, and how it is spread: what is broken first is named first. */
const WAY: readonly Cause[] = [
  // The name.
  'wrong-address',
  'cross-namespace',
  'dns-down',
  // The way out.
  'proxy-env',
  'network-policy',
  // The Service.
  'wrong-service-port',
  'headless-port',
  'selector-mismatch',
  'scaled-to-zero',
  'wrong-target-port',
  // Its pods.
  'bad-image',
  'crash-loop',
  'http-probe-on-h2c',
  'stuck-liveness',
  'readiness-failing',
  'bound-to-localhost',
  'all-pods-restarted',
  // The connection.
  'connection-leak',
  'http1-only-server',
  'tls-mismatch',
  'idle-cut',
  // The call.
  'server-not-serving',
  'proto-mismatch',
  'message-too-large',
  'client-starved',
  'slow-server',
  // Which pod.
  'one-pod-hot',
  'new-replicas-idle',
];

export const stageOf = (cause: Cause): number => WAY.indexOf(cause);

/** Effects that others have by themselves too; one that is surer than its cause stands for itself. */
const LATE: readonly Cause[] = ['slow-server', 'idle-cut', 'client-starved'];
const EXPLAINS: Partial<Record<Cause, readonly Cause[]>> = {
  'wrong-address': ['all-pods-restarted', ...LATE],
  'cross-namespace': ['wrong-address', 'all-pods-restarted', ...LATE],
  'dns-down': ['wrong-address', 'all-pods-restarted', ...LATE],
  'proxy-env': ['http1-only-server', 'tls-mismatch', 'wrong-address', 'dns-down', ...LATE],
  'network-policy': ['dns-down', 'wrong-address', 'all-pods-restarted', ...LATE],
  'wrong-service-port': ['all-pods-restarted', ...LATE],
  'headless-port': ['bound-to-localhost', 'all-pods-restarted', ...LATE],
  'selector-mismatch': ['all-pods-restarted', ...LATE],
  'scaled-to-zero': LATE,
  'wrong-target-port': ['bound-to-localhost', 'all-pods-restarted', ...LATE],
  'bad-image': ['readiness-failing', 'all-pods-restarted', ...LATE],
  'crash-loop': ['readiness-failing', 'all-pods-restarted', ...LATE],
  'http-probe-on-h2c': ['readiness-failing', 'stuck-liveness', 'crash-loop', 'all-pods-restarted', ...LATE],
  'stuck-liveness': ['crash-loop', 'readiness-failing', 'all-pods-restarted', 'slow-server', 'idle-cut'],
  'readiness-failing': ['all-pods-restarted', ...LATE],
  'bound-to-localhost': ['readiness-failing', 'crash-loop', 'stuck-liveness', 'all-pods-restarted', ...LATE],
  'all-pods-restarted': ['slow-server'],
  'connection-leak': LATE,
  'http1-only-server': ['readiness-failing', 'stuck-liveness', 'all-pods-restarted', ...LATE],
  'tls-mismatch': ['readiness-failing', 'http1-only-server', 'all-pods-restarted', ...LATE],
  'client-starved': ['slow-server', 'idle-cut'],
  'idle-cut': ['slow-server', 'all-pods-restarted'],
  'one-pod-hot': ['new-replicas-idle'],
};

export const explains = (cause: Cause, effect: Cause): boolean => EXPLAINS[cause]?.includes(effect) ?? false;

const UNREACHED = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'UNKNOWN', 'CANCELLED', 'INTERNAL'];
/** Codes with which calls end by a cause; those not here are of causes that keep calls from getting through. */
const ENDS_WITH: Partial<Record<Cause, readonly string[]>> = {
  'http1-only-server': [...UNREACHED, 'UNIMPLEMENTED', 'PERMISSION_DENIED'],
  'proxy-env': [...UNREACHED, 'UNIMPLEMENTED', 'PERMISSION_DENIED', 'UNAUTHENTICATED'],
  'connection-leak': [...UNREACHED, 'RESOURCE_EXHAUSTED'],
  'proto-mismatch': ['UNIMPLEMENTED', 'INTERNAL', 'UNKNOWN', 'INVALID_ARGUMENT', 'CANCELLED'],
  'message-too-large': ['RESOURCE_EXHAUSTED', 'CANCELLED', 'INTERNAL', 'OUT_OF_RANGE', 'UNKNOWN'],
  'client-starved': ['DEADLINE_EXCEEDED', 'CANCELLED'],
  'slow-server': ['DEADLINE_EXCEEDED', 'CANCELLED', 'RESOURCE_EXHAUSTED'],
  'idle-cut': ['DEADLINE_EXCEEDED', 'UNAVAILABLE'],
  // Calls succeed: it is who answers them.
  'one-pod-hot': [],
  'new-replicas-idle': [],
};

export const accountsFor = (cause: Cause, code: string): boolean =>
  (ENDS_WITH[cause] ?? UNREACHED).includes(code);
