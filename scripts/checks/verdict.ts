// From findings to a verdict.
import { type Finding, type Verdict, worstVerdict } from './finding.ts';

/**
 * Turns findings into `unknown` where what they rest on is: a basis of the same arm, or of the run. What they
 * looked like is kept in the message.
 */
export function restingOn(basis: readonly Finding[], findings: readonly Finding[]): Finding[] {
  const shaky = basis.filter(({ verdict }) => verdict !== 'pass');
  return findings.map((finding) => {
    const missing = shaky.find(
      ({ arm }) => arm === undefined || finding.arm === undefined || arm === finding.arm,
    );
    if (missing === undefined || finding.verdict === 'unknown') return finding;
    const message = `not judged, see ${missing.check} (it looked like ${finding.verdict}: ${finding.message})`;
    return { ...finding, verdict: 'unknown', message, restsOn: missing.check };
  });
}

/** A run's verdict, and the messages that decided it: of a pass, all of them. */
export type Judgement = { verdict: Verdict; reasons: string[] };

/**
 * Judges the claim, of one arm or of several, by all findings but the control's. A claim that passes is unknown unless
 * the control behaved as expected, which is what passing means for a control: without that the treatment may not have
 * been the cause.
 */
export function verdictOf(
  findings: readonly Finding[],
  { treatment, control }: { treatment: string | readonly string[]; control?: string | undefined },
): Judgement {
  const ofControl = findings.filter(({ arm }) => control !== undefined && arm === control);
  const ofClaim = findings.filter((finding) => !ofControl.includes(finding));
  const unseen = [treatment].flat().filter((name) => !ofClaim.some(({ arm }) => arm === name));
  if (unseen.length > 0) {
    return { verdict: 'unknown', reasons: [`nothing was found out about the ${unseen.join(', ')}`] };
  }

  const verdict = worstVerdict(ofClaim.map((finding) => finding.verdict));
  if (verdict !== 'pass') return { verdict, reasons: reasonsOf(ofClaim, verdict) };
  if (control === undefined) return { verdict, reasons: reasonsOf(ofClaim, 'pass') };

  if (ofControl.length === 0) {
    return { verdict: 'unknown', reasons: [`nothing was found out about the ${control}`] };
  }
  const astray = ofControl.filter(({ verdict, restsOn }) => verdict !== 'pass' && restsOn === undefined);
  if (astray.length > 0) {
    const reasons = astray.map((finding) => `the control did not behave as expected: ${reason(finding)}`);
    return { verdict: 'unknown', reasons };
  }
  return { verdict, reasons: reasonsOf(findings, 'pass') };
}

const reason = ({ arm, message }: Finding): string => (arm === undefined ? message : `${arm}: ${message}`);

/** What could not be judged because of something else is no reason; that other thing is one. */
const reasonsOf = (findings: readonly Finding[], verdict: Verdict): string[] =>
  findings.filter((finding) => finding.verdict === verdict && finding.restsOn === undefined).map(reason);
