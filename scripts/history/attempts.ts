// How many attempts calls took, as the servers that answered were told.
import type { Call } from './events.ts';

/** An answered call's attempts; undefined where nobody answered. With hedging there may have been more beside them. */
export const attemptsOf = ({ pod, previousAttempts = 0 }: Call): number | undefined =>
  pod === undefined ? undefined : previousAttempts + 1;

/** From its real start to its end. */
export const tookMs = ({ latencyMs, lateMs }: Call): number => latencyMs - lateMs;

export type CallFigures = {
  calls: number;
  ok: number;
  /** Of the calls that were answered; undefined when none was. */
  attemptsPerCall: number | undefined;
};

export function figuresOf(calls: readonly Call[]): CallFigures {
  const attempts = calls.flatMap((call) => attemptsOf(call) ?? []);
  return {
    calls: calls.length,
    ok: calls.filter(({ code }) => code === 'OK').length,
    attemptsPerCall:
      attempts.length === 0 ? undefined : attempts.reduce((sum, n) => sum + n, 0) / attempts.length,
  };
}
