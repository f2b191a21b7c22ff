// Who calls what, and what should become of it: an arm each, said before the run.
import { GRPC_PORT, type WorkloadRequest } from '../../../services/protocol/index.ts';
import { AGE_JITTER } from '../../checks/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { wrap } from '../../common/terminal.ts';
import type { Parameters } from './parameters.ts';

export type Arm = {
  name: 'no-grace' | 'grace' | 'grace-many' | 'stream' | 'stream-grace' | 'no-age';
  serversOf?: 'no-grace' | 'grace';
  /** Streams that nobody ends; calls, as many as come; calls so rare that each is alone on its connection. */
  calls: 'streams' | 'many' | 'alone';
  /** Of the servers that its clients call; undefined: no limit. */
  ageMs: number | undefined;
  graceMs: number | undefined;
};

export const CONTROL = 'no-age';

/** All of them, the control last. */
export function armsOf({ maxConnectionAgeMs: ageMs, graceMs }: Parameters): Arm[] {
  return [
    { name: 'no-grace', calls: 'many', ageMs, graceMs: undefined },
    { name: 'grace', calls: 'alone', ageMs, graceMs },
    { name: 'grace-many', serversOf: 'grace', calls: 'many', ageMs, graceMs },
    { name: 'stream', serversOf: 'no-grace', calls: 'streams', ageMs, graceMs: undefined },
    { name: 'stream-grace', serversOf: 'grace', calls: 'streams', ageMs, graceMs },
    { name: CONTROL, calls: 'many', ageMs: undefined, graceMs: undefined },
  ];
}

/** Streams and lone calls begin as often as connections are made, so that each has its own. */
export const rateOf = ({ calls }: Arm, { callsPerSecond, maxConnectionAgeMs }: Parameters): number =>
  calls === 'many' ? callsPerSecond : 1000 / (1.2 * maxConnectionAgeMs);

/** Calls end by themselves long before it. */
const MORE_MS = 10_000;

export function workloadOf(arm: Arm, parameters: Parameters): Omit<WorkloadRequest, 'id'> {
  const target = `dns:///greeter-headless-${arm.serversOf ?? arm.name}:${GRPC_PORT}`;
  const ratePerSecond = rateOf(arm, parameters);
  return arm.calls === 'streams'
    ? { target, method: 'health-watch', ratePerSecond, deadlineMs: MORE_MS }
    : { target, ratePerSecond, deadlineMs: parameters.callMs + MORE_MS };
}

/** The prediction for people, in lines of at most 80 columns. */
export function describeArms(parameters: Parameters, arms: readonly Arm[]): string {
  const { maxConnectionAgeMs, graceMs, callMs } = parameters;
  const spread = maxConnectionAgeMs * AGE_JITTER;
  const between = (plusMs: number) =>
    `${formatDuration(maxConnectionAgeMs - spread + plusMs)} to ${formatDuration(maxConnectionAgeMs + spread + plusMs)}`;
  const uncut = 'nothing is cut: without a grace a connection may take as long as it likes to end.';
  const cut =
    graceMs === undefined
      ? uncut
      : `${between(graceMs)} after it was made (max age ±10%, and the grace), a connection is cut, and a call that is ` +
        'still on it ends with 14 UNAVAILABLE "Connection dropped", however young it is.';
  const many =
    graceMs === undefined
      ? uncut
      : 'the same, but of several calls on one connection all but one end with 13 INTERNAL "Received RST_STREAM with ' +
        'code 0": the server of grpc-js resets them before it cuts. A retryPolicy on UNAVAILABLE does not cover that.';
  const expects: Record<Arm['name'], string> = {
    'no-grace':
      `a connection is told to go ${between(0)} after it was made. New calls go to a new one; those in flight go on ` +
      `for as long as they take (${formatDuration(callMs)}), and end well.`,
    grace: cut,
    'grace-many': many,
    stream:
      'a stream keeps its connection open for ever: connections pile up, one for each time one was told to go.',
    'stream-grace':
      graceMs === undefined ? uncut : 'as calls: streams are cut with their connection, and it is gone.',
    'no-age': 'the first connection is kept, and no call fails.',
  };
  return [
    'The age of a connection counts from when it was made.',
    ...arms.map(({ name }) => wrap(`${name}: ${expects[name]}`, '  ', '')),
  ].join('\n');
}
