import type { Cause } from '../diagnosis/index.ts';

/** Two incidents that can be there at once, and both be seen: neither hides all of the other. */
export const PAIRS: readonly (readonly [Cause, Cause])[] = [
  ['selector-mismatch', 'wrong-service-port'],
  ['selector-mismatch', 'crash-loop'],
  ['selector-mismatch', 'bad-image'],
  ['selector-mismatch', 'scaled-to-zero'],
  ['wrong-target-port', 'readiness-failing'],
  ['wrong-target-port', 'proxy-env'],
  ['wrong-service-port', 'readiness-failing'],
  ['wrong-service-port', 'http-probe-on-h2c'],
  ['wrong-service-port', 'scaled-to-zero'],
  ['wrong-service-port', 'crash-loop'],
  ['wrong-address', 'scaled-to-zero'],
  ['wrong-address', 'readiness-failing'],
  ['wrong-address', 'bad-image'],
  ['cross-namespace', 'crash-loop'],
  ['cross-namespace', 'selector-mismatch'],
  ['headless-port', 'readiness-failing'],
  ['proxy-env', 'scaled-to-zero'],
  ['one-pod-hot', 'server-not-serving'],
  ['server-not-serving', 'message-too-large'],
  ['slow-server', 'server-not-serving'],
  ['connection-leak', 'server-not-serving'],
  ['new-replicas-idle', 'server-not-serving'],
  ['stuck-liveness', 'message-too-large'],
];
