import { callsStartedIn, figuresOf, type History, type Part } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count } from './words.ts';

/**
 * How far a share may be from what is expected, in standard deviations of as many independent calls: chance alone exceeds
 * it once in 16 000 times.
 */
export const SIGMAS = 4;

/** With fewer calls a share says little. */
export const MIN_CALLS = 100;

export type Measured = { arm: string; part: Part /** The part's name, for people. */; phase: string };

type Params = Measured & {
  expected: number;
  /** How far it may be off to either side, beyond chance. */
  mayBeOff?: number | undefined;
};

/** The share of calls that succeed is what the model says of independent calls; all or none of them is meant exactly. */
export function successShare(
  history: History,
  { arm, part, phase, expected, mayBeOff: modelMayBeOff = 0 }: Params,
): Finding {
  const say = sayFor(`success-share ${phase}`, arm);
  const { calls, ok } = figuresOf(callsStartedIn(history, arm, part.fromMs, part.untilMs));
  if (calls < MIN_CALLS) return say.unknown(`${count(calls, 'call')} are too few, ${MIN_CALLS} are needed`);
  const share = ok / calls;
  const mayBeOff = modelMayBeOff + SIGMAS * shareDeviation(expected, calls);
  const range = mayBeOff === 0 ? '' : ` ±${percent(mayBeOff)}`;
  const message =
    `${ok.toLocaleString('en-US')} of ${count(calls, 'call')} succeeded (${percent(share)}), ` +
    `expected ${percent(expected)}${range}`;
  return Math.abs(share - expected) <= mayBeOff ? say.pass(message) : say.fail(message);
}

/** Of a share of so many calls that are independent of each other. */
export const shareDeviation = (share: number, calls: number): number =>
  Math.sqrt((share * (1 - share)) / calls);

type Compared = Measured & {
  /** The arm with which it is compared. */
  than: string;
  /** What has to be added to the other's share to get this one's. */
  difference: { atLeast: number } | { atMost: number };
};

/** In the same part of the run an arm's calls succeed more often than another's, or less often, by so much. */
export function sharesCompared(history: History, { arm, than, part, phase, difference }: Compared): Finding {
  const say = sayFor(`compared-with-${than} ${phase}`, arm);
  const [own, other] = [arm, than].map((name) =>
    figuresOf(callsStartedIn(history, name, part.fromMs, part.untilMs)),
  );
  if (!own || !other || Math.min(own.calls, other.calls) < MIN_CALLS) {
    return say.unknown(`too few calls to compare with ${than}, ${MIN_CALLS} are needed`);
  }
  const [share, shareOfOther] = [own.ok / own.calls, other.ok / other.calls];
  const found = share - shareOfOther;
  const [isMet, wanted] =
    'atLeast' in difference
      ? [found >= difference.atLeast, `${signed(difference.atLeast)} or more`]
      : [found <= difference.atMost, `${signed(difference.atMost)} or less`];
  const message =
    `${percent(share)} of calls succeeded, ${percent(shareOfOther)} of those of ${than}: ` +
    `a difference of ${signed(found)}, expected ${wanted}`;
  return isMet ? say.pass(message) : say.fail(message);
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
const signed = (share: number): string => `${share < 0 ? '' : '+'}${(100 * share).toFixed(1)} points`;
