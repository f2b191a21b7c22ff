import type { History } from '../history/index.ts';
import { callsByChannel, callsByPod, type OfChannels } from './channels.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, listOf } from './words.ts';

/** With fewer calls even a channel that deals them out can have met one pod only. */
const MIN_CALLS = 10;

/** All calls of a channel were answered by one pod: it has one connection, and that ends at one pod. */
export function onePodPerChannel(history: History, of: OfChannels): Finding {
  const say = sayFor('one-pod-per-channel', of.arm);
  const channels = callsByChannel(history, of);
  const fewest = Math.min(...channels.map(({ calls }) => calls.length));
  if (channels.length < of.channels || fewest < MIN_CALLS) {
    const least = channels.length < of.channels ? 0 : fewest;
    return say.unknown(
      `too few calls to tell: a channel had ${least} that were answered, ${MIN_CALLS} are needed`,
    );
  }
  const several = channels
    .map(({ name, calls }) => ({ name, pods: callsByPod(calls).size }))
    .filter(({ pods }) => pods > 1);
  if (several.length > 0) {
    const list = listOf(several.map(({ name, pods }) => `${name} ${pods}`));
    return say.fail(
      `${count(several.length, 'channel')} of ${channels.length} were answered by several pods: ${list}`,
    );
  }
  const pods = callsByPod(channels.flatMap(({ calls }) => calls)).size;
  return say.pass(
    `each of ${count(channels.length, 'channel')} was answered by one pod in all its calls (${fewest} or more); ` +
      `${count(pods, 'pod')} in all`,
  );
}
