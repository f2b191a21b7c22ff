import { EVEN, type History, podsOf, readyThroughout, SERVER_APP } from '../history/index.ts';
import { callsByChannel, callsByPod, type OfChannels } from './channels.ts';
import { type Finding, sayFor } from './finding.ts';
import { count } from './words.ts';

/** Of each channel, for a difference of one call to be no large one. */
export const MIN_CALLS_PER_POD = 5;

/** Taking turns, a channel may be one call ahead with some pods when the span ends. */
const TURN = 1;

/** Every channel dealt its calls to all Ready pods evenly, over the whole of a span. */
export function evenPerChannel(history: History, of: OfChannels): Finding {
  const say = sayFor('even-per-channel', of.arm);
  const { fromMs, untilMs } = of.part;
  const pods = podsOf(history, of.arm, SERVER_APP).filter((pod) => readyThroughout(pod, fromMs, untilMs));
  const channels = callsByChannel(history, of);
  const fewest = channels.length < of.channels ? 0 : Math.min(...channels.map(({ calls }) => calls.length));
  const needed = MIN_CALLS_PER_POD * pods.length;
  if (pods.length < 2 || fewest < needed) {
    return say.unknown(
      `too few calls to tell: a channel had ${fewest} that were answered, ` +
        `${needed} are needed for ${count(pods.length, 'pod')}`,
    );
  }
  const shares = channels.flatMap(({ name, calls }) => {
    const byPod = callsByPod(calls);
    const fair = calls.length / pods.length;
    return pods.map(({ pod }) => {
      const got = byPod.get(pod) ?? 0;
      return { name, pod, got, fair, calls: calls.length, off: Math.abs(got - fair) };
    });
  });
  const uneven = shares.filter(({ off, fair }) => off > Math.max(TURN, EVEN.tolerance * fair));
  const [worst] = shares.toSorted((a, b) => b.off / b.fair - a.off / a.fair || a.got - b.got);
  if (uneven.length > 0 && worst !== undefined) {
    return say.fail(
      `${worst.pod} had ${worst.got} of the ${count(worst.calls, 'call')} of ${worst.name}, an even share is ` +
        `${worst.fair.toFixed(0)}; so it was with ${uneven.length} of ${count(shares.length, 'share')}`,
    );
  }
  return say.pass(
    `${count(channels.length, 'channel')} dealt calls to ${count(pods.length, 'pod')} evenly: ` +
      `no share off by more than ${worst?.off.toFixed(1)} of ${worst?.fair.toFixed(0)} calls`,
  );
}
