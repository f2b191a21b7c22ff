// The probes, an arm each, and what they should tell, said before the run.
import type { V1Probe } from '@kubernetes/client-node';
import { GRPC_PORT } from '../../../services/protocol/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { wrap } from '../../common/terminal.ts';
import type { Parameters } from './parameters.ts';

/** What becomes of a pod: it is never Ready, and why; it is, whatever it says; it is as it says; the machine decides. */
export type Fate = { kind: 'never'; because: RegExp } | { kind: 'always' | 'follows' | 'open' };

export type Arm = {
  name: 'http-get' | 'grpc' | 'grpc-service' | 'grpc-unknown' | 'tcp-socket' | 'exec-short' | 'exec-long';
  readinessProbe: V1Probe;
  fate: Fate;
  /** Of an exec probe. */
  timeoutMs?: number;
  /** What is expected, for people. */
  expects: string;
};

/** The same server with the probe that is right for it. */
export const CONTROL = 'grpc';
export const FAULT = 'not-serving';
/** In whose pod the script is timed. */
export const TIMED_IN = 'exec-long';
const UNKNOWN_SERVICE = 'greet.Unknown';

// Client-node's type for an int-or-string is an object.
const port = GRPC_PORT as never;

/** All of them, the control last. */
export function armsOf(parameters: Parameters): Arm[] {
  const { probePeriodSeconds, execTimeoutSeconds, longTimeoutSeconds, scriptWorkMs } = parameters;
  const times = { periodSeconds: probePeriodSeconds, timeoutSeconds: 5, failureThreshold: 1 };
  const exec = (timeoutSeconds: number): V1Probe => ({
    exec: { command: ['node', '/app/health-probe.js', '--work', `${scriptWorkMs}`] },
    ...times,
    timeoutSeconds,
  });
  const isTooSlow = scriptWorkMs >= execTimeoutSeconds * 1000;
  return [
    {
      name: 'http-get',
      readinessProbe: { httpGet: { port, path: '/' }, ...times },
      fate: { kind: 'never', because: /malformed HTTP response/ },
      expects: 'never Ready: the probe speaks HTTP/1.1, the port only HTTP/2 ("malformed HTTP response").',
    },
    {
      name: 'grpc-service',
      readinessProbe: { grpc: { port: GRPC_PORT, service: 'greet.Greeter' }, ...times },
      fate: { kind: 'always' },
      expects: 'Ready all the time: it asks for the service, and that goes on to be SERVING.',
    },
    {
      name: 'grpc-unknown',
      readinessProbe: { grpc: { port: GRPC_PORT, service: UNKNOWN_SERVICE }, ...times },
      fate: { kind: 'never', because: /NotFound.*unknown service/ },
      expects: `never Ready: the server knows no service ${UNKNOWN_SERVICE} ("NotFound").`,
    },
    {
      name: 'tcp-socket',
      readinessProbe: { tcpSocket: { port }, ...times },
      fate: { kind: 'always' },
      expects: 'Ready all the time: it opens a connection, and hears nothing of NOT_SERVING.',
    },
    {
      name: 'exec-short',
      readinessProbe: exec(execTimeoutSeconds),
      timeoutMs: execTimeoutSeconds * 1000,
      fate: isTooSlow ? { kind: 'never', because: /timed out/ } : { kind: 'open' },
      expects: isTooSlow
        ? `never Ready: the script takes longer than the ${execTimeoutSeconds}s that it has ("timed out").`
        : `it depends on the machine: Node has to start each time, and to load a client. Never Ready if that takes longer than the ${execTimeoutSeconds}s that it has; how long it takes is measured.`,
    },
    {
      name: 'exec-long',
      readinessProbe: exec(longTimeoutSeconds),
      timeoutMs: longTimeoutSeconds * 1000,
      fate: { kind: 'follows' },
      expects: `Ready, and not while NOT_SERVING, as grpc: ${longTimeoutSeconds}s are enough for the script.`,
    },
    {
      name: CONTROL,
      readinessProbe: { grpc: { port: GRPC_PORT }, ...times },
      fate: { kind: 'follows' },
      expects: `Ready, and not while NOT_SERVING, as soon as it is asked: within ${formatDuration(parameters.boundMs)}.`,
    },
  ];
}

export const serviceOf = (arm: string): string => `greeter-headless-${arm}`;

/** The prediction for people, in lines of at most 80 columns. */
export const describeArms = (arms: readonly Arm[]): string =>
  [
    'What a pod is, by its readiness probe:',
    ...arms.map(({ name, expects }) => wrap(`${name}: ${expects}`, '  ', '')),
  ].join('\n');
