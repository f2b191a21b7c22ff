// What readiness probes ask, and who should hear of a server that says NOT_SERVING: an arm each, said before the run.
import type { V1Probe } from '@kubernetes/client-node';
import { GRPC_PORT } from '../../../services/protocol/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { wrap } from '../../common/terminal.ts';
import type { FaultName, Parameters } from './parameters.ts';

/** What is said NOT_SERVING of, one after the other. */
export const FAULTS: readonly { name: FaultName; service: string }[] = [
  { name: 'service', service: 'greet.Greeter' },
  { name: 'whole', service: '' },
];

export type Arm = {
  name: 'probed' | 'probed-max-age' | 'probed-whole' | 'unprobed';
  /** The service that its readiness probe asks for; undefined: it opens a connection only. */
  asks: string | undefined;
  ageMs: number | undefined;
};

export const CONTROL = 'unprobed';

/** All of them, the control last. */
export const armsOf = ({ maxConnectionAgeMs }: Parameters): Arm[] => [
  { name: 'probed', asks: 'greet.Greeter', ageMs: undefined },
  { name: 'probed-max-age', asks: 'greet.Greeter', ageMs: maxConnectionAgeMs },
  { name: 'probed-whole', asks: '', ageMs: undefined },
  { name: CONTROL, asks: undefined, ageMs: undefined },
];

export const serviceOf = (arm: string): string => `greeter-headless-${arm}`;
export const targetOf = (arm: string): string => `dns:///${serviceOf(arm)}:${GRPC_PORT}`;

export function readinessProbe({ asks }: Arm, { probePeriodSeconds }: Parameters): V1Probe {
  const times = { periodSeconds: probePeriodSeconds, timeoutSeconds: 5, failureThreshold: 1 };
  // Client-node's type for an int-or-string is an object.
  return asks === undefined
    ? { tcpSocket: { port: GRPC_PORT as never }, ...times }
    : { grpc: { port: GRPC_PORT, ...(asks === '' ? {} : { service: asks }) }, ...times };
}

/** The prediction for people, in lines of at most 80 columns. */
export function describeArms(parameters: Parameters, arms: readonly Arm[]): string {
  const { servers, endpointBoundMs, clientBoundMs, maxConnectionAgeMs } = parameters;
  const share = `${(100 / servers).toFixed(0)}%`;
  const out = `it leaves the ready endpoints within ${formatDuration(endpointBoundMs)} and is back as soon when it is healed`;
  const moves =
    maxConnectionAgeMs === undefined
      ? `goes on to have ${share} of the calls for ever: no connection ages.`
      : 'is called until a connection ends of old age and the name is resolved again, at most ' +
        `${formatDuration(clientBoundMs)} more, and has calls again as late.`;
  const expects: Record<Arm['name'], string> = {
    probed:
      `for greet.Greeter ${out}; the open connection to it keeps its ${share} of the calls all ` +
      'the time. For "" nothing changes: its probe does not ask for that.',
    'probed-max-age': `for greet.Greeter it leaves likewise, and ${moves} For "" nothing changes.`,
    'probed-whole': `the other way round: nothing changes for greet.Greeter; for "" ${out}, and keeps its share.`,
    unprobed:
      'nothing changes: grpc-js does not ask for health by itself, and a TCP probe does not ask at all.',
  };
  return [
    'In each arm a server says NOT_SERVING, and answers calls as before.',
    ...arms.map(({ name }) => wrap(`${name}: ${expects[name]}`, '  ', '')),
  ].join('\n');
}
