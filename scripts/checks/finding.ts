/** `unknown`: the lab could not tell, and says what was missing. */
export type Verdict = 'pass' | 'fail' | 'unknown';

/** What one check says of a history. */
export type Finding = {
  /** The check's name: `new-pods-served`. */
  check: string;
  /** The arm it speaks of; absent when it speaks of the run. */
  arm?: string;
  verdict: Verdict;
  /** One sentence with the figures that decided it. */
  message: string;
  /** The check without which this one could not be judged, where that is why it is unknown. */
  restsOn?: string;
};

/** Says a check's finding for an arm: `say.fail('3 calls failed')`. */
export function sayFor(check: string, arm: string): Record<Verdict, (message: string) => Finding> {
  const say = (verdict: Verdict) => (message: string) => ({ check, arm, verdict, message });
  return { pass: say('pass'), fail: say('fail'), unknown: say('unknown') };
}

/** Fail beats unknown beats pass: a claim that was seen to be broken is broken, whatever else is missing. */
export function worstVerdict(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('fail')) return 'fail';
  return verdicts.length === 0 || verdicts.includes('unknown') ? 'unknown' : 'pass';
}
