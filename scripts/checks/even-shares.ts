import { formatDuration } from '../common/duration.ts';
import {
  EVEN,
  type Evenness,
  findEven,
  type History,
  SEEING_EVEN_MS,
  settledMs,
  type WindowShare,
} from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { because, momentsOf } from './words.ts';

type Params = {
  arm: string;
  /** Longest time from the last pod's Ready (or leaving) to even shares, without the windows it takes to see it. */
  boundMs: number;
  /** End of the time of observation. */
  untilMs: number;
  /** Why they may never be even, where that was predicted. */
  whyNever?: string | undefined;
};

/** After the change every Ready pod gets its share of each client's calls, and is seen to within the bound. */
export function evenShares(history: History, { arm, boundMs, untilMs, whyNever }: Params): Finding {
  const say = sayFor('even-shares', arm);
  const afterMs = settledMs(history, arm);
  if (afterMs === undefined) return say.unknown('the change did not bring or take all its pods');

  const moment = momentsOf(history, arm);
  const evenness = findEven(history, arm, { afterMs, untilMs });
  const latestMs = afterMs + boundMs + SEEING_EVEN_MS;
  const bound = `${formatDuration(boundMs)} and three windows after the last pod came or left`;
  if (evenness.kind === 'even') {
    const when = `shares were even ${moment(evenness.atMs)}`;
    return evenness.atMs <= latestMs
      ? say.pass(`${when}; bound ${bound}`)
      : say.fail(`${when}, later than the bound: ${bound}`);
  }
  if (evenness.kind !== 'uneven') return say.unknown(describeUneven(evenness, moment));
  const description = describeUneven(evenness, moment);
  if (untilMs < latestMs)
    return say.unknown(`the observation ended before the bound, ${bound}: ${description}`);
  return say.fail(`shares were never even${because(whyNever)} (${description})`);
}

/** Why shares were not seen to be even. */
export function describeUneven(
  evenness: Exclude<Evenness, { kind: 'even' }>,
  moment: (atMs: number) => string,
): string {
  switch (evenness.kind) {
    case 'uneven':
      return describeShare(evenness.worst, moment);
    case 'too-few':
      return (
        `too few calls to tell: at most ${evenness.callsPerPod.toFixed(1)} per client, pod and window, ` +
        `${EVEN.minCallsPerPod} are needed`
      );
    case 'too-short':
      return `too short to tell: ${formatDuration(evenness.lengthMs)}, three windows take ${formatDuration(SEEING_EVEN_MS)}`;
  }
}

const describeShare = (share: WindowShare, moment: (atMs: number) => string): string =>
  `${share.pod} had ${share.calls} of ${share.client}'s ${share.ofCalls} calls in the window ` +
  `that ended ${moment(share.windowEndMs)}, an even share is ${share.fairCalls.toFixed(0)}`;
