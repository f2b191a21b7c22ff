import { formatDuration } from '../common/duration.ts';
import { callsOf, type History, newPodsOf, placesOf, startedMs } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { FOUND_MS } from './nearest-first.ts';
import { listOf } from './words.ts';

/** Calls in a row on the local pod that show that a client is back. */
const MIN_CALLS = 20;

export type Return = {
  client: string;
  pod: string;
  /** From the pod's Ready to the last call that another pod answered, 0 when there was none; undefined: not back. */
  backMs: number | undefined;
};

/** How each client came back to a pod that the change brought to its node. */
export function returnsOf(history: History, arm: string): Return[] {
  const { clients } = placesOf(history, arm);
  const calls = callsOf(history, arm);
  return newPodsOf(history, arm).flatMap(({ pod, node, readyAtMs }) =>
    clients
      .filter((client) => node !== undefined && client.node === node)
      .map(({ client }) => {
        const since = calls
          .filter(
            (call) => call.source === client && startedMs(call) >= (readyAtMs ?? Number.POSITIVE_INFINITY),
          )
          .sort((a, b) => startedMs(a) - startedMs(b));
        const lastAway = since.findLastIndex((call) => call.pod !== pod);
        if (since.length - 1 - lastAway < MIN_CALLS) return { client, pod, backMs: undefined };
        const away = since[lastAway];
        return { client, pod, backMs: away === undefined ? 0 : startedMs(away) - (readyAtMs ?? 0) };
      }),
  );
}

/** When there is a pod on its node again, a client calls it and no other, and finds it soon. */
export function localAgain(history: History, { arm }: { arm: string }): Finding {
  const say = sayFor('local-again', arm);
  const returns = returnsOf(history, arm);
  if (returns.length === 0) return say.unknown('no pod came to the node of a client');
  const late = returns.filter(({ backMs }) => backMs === undefined || backMs > FOUND_MS);
  const bound = `bound ${formatDuration(FOUND_MS)}`;
  const inWords = ({ client, pod, backMs }: Return) =>
    backMs === undefined
      ? `${client} did not come back to ${pod}`
      : `${client} called ${pod} alone ${formatDuration(backMs)} after it was Ready`;
  return late.length > 0
    ? say.fail(`${listOf(late.map(inWords))} (${bound})`)
    : say.pass(`${listOf(returns.map(inWords))} (${bound})`);
}
