import { attemptsOf, callsStartedIn, figuresOf, type History, tookMs } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { type Measured, SIGMAS } from './success-share.ts';
import { count } from './words.ts';

/** However sure the model is: a connection that is lost can cost an attempt. */
const MIN_TOLERANCE = 0.02;

type Params = Measured & {
  /** Attempts per call: mean, how far that may be off to either side, and standard deviation between calls. */
  expected: { mean: number; mayBeOff: number; deviation: number };
  /** Where attempts are hedged: calls that take longer than the delay have more of them, at most so many. */
  hedging?: { delayMs: number; maxAttempts: number } | undefined;
};

/** Calls take as many attempts as the model says: what policies cost the servers. */
export function amplification(history: History, { arm, part, phase, expected, hedging }: Params): Finding {
  const say = sayFor(`amplification ${phase}`, arm);
  const calls = callsStartedIn(history, arm, part.fromMs, part.untilMs).filter(
    (call) => attemptsOf(call) !== undefined,
  );
  const { attemptsPerCall } = figuresOf(calls);
  if (attemptsPerCall === undefined) return say.unknown('no call was answered');

  const slow = hedging === undefined ? 0 : calls.filter((call) => tookMs(call) > hedging.delayMs).length;
  const forSlow = hedging === undefined ? 0 : (slow * (hedging.maxAttempts - 1)) / calls.length;
  const byChance = (SIGMAS * expected.deviation) / Math.sqrt(calls.length);
  const mayBeOff = expected.mayBeOff + Math.max(MIN_TOLERANCE, byChance) + forSlow;
  const hedged = slow === 0 ? '' : `, ${count(slow, 'call')} slow enough to be hedged`;
  const message =
    `${attemptsPerCall.toFixed(2)} attempts per call, expected ${expected.mean.toFixed(2)} ` +
    `±${mayBeOff.toFixed(2)} (${count(calls.length, 'call')}${hedged})`;
  return Math.abs(attemptsPerCall - expected.mean) <= mayBeOff ? say.pass(message) : say.fail(message);
}
