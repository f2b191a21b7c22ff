import { type History, type Part, renewalsIn } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count } from './words.ts';

type Params = {
  arm: string;
  part: Part;
  /** Between all clients and servers. */
  connections: number;
  /** Undefined: none ages. */
  maxConnectionAgeMs: number | undefined;
};

/** grpc-js and grpc-core spread a connection's age by ±10 %. */
const AGE_JITTER = 0.1;
/** What may pass between the end of a connection and the first call on the next, on nodes short of CPU. */
const RENEWED_WITHIN_MS = 500;

/** Connections are made anew as often as their age says: no less, and nothing else ends them. */
export function reconnectRate(
  history: History,
  { arm, part, connections, maxConnectionAgeMs }: Params,
): Finding {
  const say = sayFor('reconnect-rate', arm);
  const renewals = renewalsIn(history, arm, part);
  if (renewals.length === 0) return say.unknown('no server told of its connections');
  const opened = renewals.reduce((sum, renewal) => sum + renewal.opened, 0);
  const lengthMs =
    Math.max(...renewals.map(({ untilMs }) => untilMs)) - Math.min(...renewals.map(({ fromMs }) => fromMs));
  const measured = `${count(opened, 'connection')} were made anew in ${(lengthMs / 1000).toFixed(0)}s`;
  if (maxConnectionAgeMs === undefined) {
    return opened === 0 ? say.pass(`no connection was made anew`) : say.fail(`${measured}, where none ages`);
  }
  // Each of them: the fewest and the most ends of an age that fit into the time, whenever the first one comes.
  const longestMs = maxConnectionAgeMs * (1 + AGE_JITTER) + RENEWED_WITHIN_MS;
  const least = connections * Math.floor(lengthMs / longestMs);
  const most = connections * Math.ceil(lengthMs / (maxConnectionAgeMs * (1 - AGE_JITTER)));
  const expected = `${least} to ${most} of ${count(connections, 'connection')} were expected`;
  return opened >= least && opened <= most
    ? say.pass(`${measured}, ${expected}`)
    : say.fail(`${measured}, ${expected}`);
}
