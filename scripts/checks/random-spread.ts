import { type History, podsOf, readyThroughout, SERVER_APP } from '../history/index.ts';
import { callsByChannel, type OfChannels } from './channels.ts';
import { equalButForChance, MIN_EXPECTED } from './chi-square.ts';
import { type Finding, sayFor } from './finding.ts';
import { count } from './words.ts';

type Params = OfChannels & {
  /** Chance with which a spread that is random may still be called uneven. */
  significance: number;
};

/**
 * Connections are spread over the Ready pods as if each had been put on one at random. A channel's connection is
 * where the first call of its span was answered; later ones of the same channel would not be independent.
 */
export function randomSpread(history: History, { significance, ...of }: Params): Finding {
  const say = sayFor('random-spread', of.arm);
  const { fromMs, untilMs } = of.part;
  const pods = podsOf(history, of.arm, SERVER_APP).filter((pod) => readyThroughout(pod, fromMs, untilMs));
  if (pods.length < 2) return say.unknown(`${count(pods.length, 'pod')}: there is nothing to spread over`);

  const connections = callsByChannel(history, of).map(({ calls }) => calls[0]?.pod);
  const counts = pods.map(({ pod }) => connections.filter((on) => on === pod).length);
  const total = counts.reduce((sum, n) => sum + n, 0);
  if (total / pods.length < MIN_EXPECTED) {
    return say.unknown(
      `${count(total, 'connection')} to ${count(pods.length, 'pod')} are too few to tell: ` +
        `${MIN_EXPECTED} per pod are needed`,
    );
  }
  const { statistic, chance } = equalButForChance(counts);
  const figures =
    `${count(total, 'connection')} to ${count(pods.length, 'pod')}, ${Math.min(...counts)} to ${Math.max(...counts)} each, ` +
    `chi-square ${statistic.toFixed(1)}, which chance exceeds ${describeChance(chance)}`;
  return chance >= significance
    ? say.pass(`spread as chance would: ${figures}`)
    : say.fail(`not spread as chance would: ${figures}`);
}

/** `in 30% of cases`, `once in 4,000 times`. */
const describeChance = (chance: number): string =>
  chance > 0.01
    ? `in ${(100 * chance).toFixed(0)}% of cases`
    : `once in ${Math.round(Math.min(1 / chance, 1e9)).toLocaleString('en-US')} times`;
