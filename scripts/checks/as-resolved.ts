import { eventsOf, type History, podsOf, SERVER_APP } from '../history/index.ts';
import { callsByChannel, type OfChannels } from './channels.ts';
import { equalButForChance, MIN_EXPECTED } from './chi-square.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, listOf } from './words.ts';

type Params = OfChannels & {
  /** The name that was asked for again and again, for the order of the answer. */
  name: string;
  /** As of random-spread. */
  significance: number;
};

/** Enough answers that a pod which may come first has done so: of 5 that are shuffled, all but once in 100 000 times. */
export const ANSWERS = 60;

/**
 * grpc-js tries the next address when one has not connected after this long, and keeps what connects first. Source:
 * CONNECTION_DELAY_INTERVAL_MS of its load-balancer-pick-first.
 */
const NEXT_ADDRESS_MS = 250;

/**
 * Each channel's connection went to a pod that the resolver's answers begin with, and to all of those alike: the
 * client takes the first address, and adds no chance of its own. Channels that were slow to connect do not count.
 */
export function asResolved(history: History, { name, significance, ...of }: Params): Finding {
  const say = sayFor('as-resolved', of.arm);
  const answers = eventsOf(history, 'dns-probe').filter(
    (probe) => probe.arm === of.arm && probe.name === name && probe.records.length > 0,
  );
  if (answers.length < ANSWERS)
    return say.unknown(`${count(answers.length, 'answer')} of the resolver, ${ANSWERS} are needed`);
  const podAt = new Map(podsOf(history, of.arm, SERVER_APP).map(({ ip, pod }) => [ip, pod]));
  const firsts = [...new Set(answers.map(({ records }) => podAt.get(records[0]) ?? records[0]))];

  const channels = callsByChannel(history, of);
  const quick = channels.filter(({ firstTookMs = NEXT_ADDRESS_MS }) => firstTookMs < NEXT_ADDRESS_MS);
  if (2 * quick.length < of.channels) {
    return say.unknown(
      `${quick.length} of ${count(of.channels, 'channel')} had an answer within ${NEXT_ADDRESS_MS}ms: slower ones may ` +
        'have gone on to the next address',
    );
  }
  const connections = quick.map(({ calls }) => calls[0]?.pod);
  const begin = `${count(answers.length, 'answer')} of the resolver began with ${count(firsts.length, 'pod')}`;
  const elsewhere = connections.filter((pod) => !firsts.includes(pod));
  if (elsewhere.length > 0) {
    const pods = listOf([...new Set(elsewhere)].map(String));
    return say.fail(`${begin}, but ${count(elsewhere.length, 'connection')} went to others: ${pods}`);
  }
  const went = `${count(connections.length, 'connection')} went there`;
  if (firsts.length === 1) return say.pass(`${begin}: ${went}`);
  const counts = firsts.map((first) => connections.filter((pod) => pod === first).length);
  const each = `${went}, ${Math.min(...counts)} to ${Math.max(...counts)} to each`;
  const tooFew = connections.length / firsts.length < MIN_EXPECTED;
  return tooFew || equalButForChance(counts).chance >= significance
    ? say.pass(`${begin}: ${each}`)
    : say.fail(`${begin}, not all alike: ${each}`);
}
