import { chiSquaredDistributionTable } from 'simple-statistics';
import {
  callsStartedIn,
  type History,
  podsOf,
  readyThroughout,
  SERVER_APP,
  startedMs,
} from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count } from './words.ts';

/** Chance with which a spread that is random is still called uneven. */
const SIGNIFICANCE = 0.005;

/** Below this many expected per pod the chi-square distribution does not hold. */
const MIN_EXPECTED = 5;

type Params = {
  arm: string;
  /** Channels of each client, dealt calls in turn, each with a connection of its own. */
  channels: number;
  fromMs: number;
  untilMs: number;
};

/**
 * Connections are spread over the Ready pods as if each had been put on one at random. A channel's connection is
 * where the first call of its span was answered; later ones of the same channel would not be independent.
 */
export function randomSpread(history: History, { arm, channels, fromMs, untilMs }: Params): Finding {
  const say = sayFor('random-spread', arm);
  const pods = podsOf(history, arm, SERVER_APP).filter((pod) => readyThroughout(pod, fromMs, untilMs));
  const podOfChannel = new Map<string, string>();
  const calls = callsStartedIn(history, arm, fromMs, untilMs).sort((a, b) => startedMs(a) - startedMs(b));
  for (const { source, seq, pod } of calls) {
    const channel = `${source}/${seq % channels}`;
    if (pod !== undefined && !podOfChannel.has(channel)) podOfChannel.set(channel, pod);
  }
  const connections = [...podOfChannel.values()];
  const counts = pods.map(({ pod }) => connections.filter((on) => on === pod).length);
  const total = counts.reduce((sum, n) => sum + n, 0);

  const critical = criticalValue(pods.length - 1);
  if (critical === undefined) return say.unknown(`no chi-square value for ${count(pods.length, 'pod')}`);
  const expected = total / pods.length;
  if (expected < MIN_EXPECTED) {
    return say.unknown(
      `${count(total, 'connection')} to ${count(pods.length, 'pod')} are too few to tell: ` +
        `${MIN_EXPECTED} per pod are needed`,
    );
  }
  const statistic = counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  const figures =
    `${count(total, 'connection')} to ${count(pods.length, 'pod')}, ${Math.min(...counts)} to ${Math.max(...counts)} each, ` +
    `chi-square ${statistic.toFixed(1)} against ${critical}`;
  return statistic <= critical
    ? say.pass(`spread as chance would: ${figures}`)
    : say.fail(
        `not spread as chance would: ${figures}, which chance exceeds once in ${1 / SIGNIFICANCE} times`,
      );
}

/** From a table, not from a cumulative distribution: one minus that is 0 in the tail. */
function criticalValue(degreesOfFreedom: number): number | undefined {
  const rows: Record<number, { [SIGNIFICANCE]: number }> = chiSquaredDistributionTable;
  // The table has every row to 30, then every tenth: the next one is the more lenient.
  const row = Object.keys(rows)
    .map(Number)
    .find((tabled) => tabled >= degreesOfFreedom);
  return degreesOfFreedom < 1 || row === undefined ? undefined : rows[row]?.[SIGNIFICANCE];
}
