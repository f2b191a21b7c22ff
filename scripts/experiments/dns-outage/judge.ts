// The checks of every arm, and what they add up to.
import {
  type Finding,
  lostWithCode,
  noFailedCall,
  reconnectRate,
  restingOn,
  saidOnce,
  silenceLength,
  steadyBefore,
  successShare,
  verdictOf,
} from '../../checks/index.ts';
import {
  between,
  callsStartedIn,
  changeAskedMs,
  type History,
  type Part,
  startedMs,
} from '../../history/index.ts';
import { loadBasis } from '../basis.ts';
import { SLACK_MS } from '../dns-period.ts';
import type { Judged } from '../experiment.ts';
import { RETRY_UNAVAILABLE } from '../load.ts';
import {
  type ArmName,
  BROKEN,
  brokenPart,
  CONNECTED,
  CONTROL,
  KEEPING,
  LATE,
  MENDED,
  SERVERS,
} from './arms.ts';
import { type Parameters, pollRecoveryMs, recoveryBoundMs, SHORTLY_MS } from './parameters.ts';
import { seenTable } from './tables.ts';

export function judgeDnsOutage(history: History, parameters: Parameters): Judged {
  const claimsOfLate = parameters.by === 'slow' ? claimsOfLateWhenSlow : claimsOfLateWhenBroken;
  const whole = between(history, 'baseline', 'end');
  const findings = [
    ...CONNECTED.flatMap((arm) => {
      const askedMs = changeAskedMs(history, SERVERS) ?? Number.NEGATIVE_INFINITY;
      const steady = steadyBefore(history, { arm, fromMs: whole.fromMs, untilMs: askedMs, even: true });
      const basis = [...load(history, arm, parameters), steady];
      const claims = [
        noFailedCall(history, { arm, ...whole }),
        ...(arm === 'max-age' ? [renewed(history, parameters)] : []),
        // It did ask, and in vain.
        ...(arm === 'poll' && parameters.by !== 'slow'
          ? [saidOnce(history, { arm, text: KEEPING, part: brokenPart(history), sinceMs: askedMs })]
          : []),
      ];
      return [...restingOn(basis, claims), ...basis];
    }),
    ...LATE.flatMap((arm) => {
      const basis = load(history, arm, parameters);
      const claims =
        arm === 'late' || arm === 'late-poll'
          ? claimsOfLate(history, arm, parameters)
          : [noFailedCall(history, { arm, ...between(history, BROKEN, 'end') })];
      return [...restingOn(basis, claims), ...basis];
    }),
  ];
  const treatment = [...CONNECTED, ...LATE].filter((name) => name !== CONTROL);
  const judgement = verdictOf(findings, { treatment, control: CONTROL });
  return { findings, judgement, tables: [seenTable(history)] };
}

const load = (history: History, arm: ArmName, { ratePerSecond }: Parameters): Finding[] =>
  loadBasis(history, { arm, clients: 1, ratePerSecond, maxAttempts: RETRY_UNAVAILABLE.maxAttempts });

/** Its connections did end while DNS was broken. */
const renewed = (history: History, { servers, maxConnectionAgeMs }: Parameters): Finding =>
  reconnectRate(history, {
    arm: 'max-age',
    part: brokenPart(history),
    connections: servers,
    maxConnectionAgeMs,
  });

/** It waits for its name, once: calls run out of time that begin longer than a deadline before it comes. */
function claimsOfLateWhenSlow(
  history: History,
  arm: 'late' | 'late-poll',
  { delayMs, deadlineMs }: Parameters,
): Finding[] {
  const whole = between(history, BROKEN, 'end');
  const beganMs = Math.min(...callsStartedIn(history, arm, whole.fromMs, whole.untilMs).map(startedMs));
  const part = { fromMs: beganMs, untilMs: whole.untilMs };
  const predicted = { fromMs: delayMs - SHORTLY_MS, toMs: delayMs + SLACK_MS };
  return [
    lostWithCode(history, { arm, part, code: 'DEADLINE_EXCEEDED' }),
    silenceLength(history, { arm, part, predicted }),
    noFailedCall(history, { arm, ...part, fromMs: beganMs + delayMs - deadlineMs + SHORTLY_MS }),
  ];
}

/** Nobody answered it while DNS was broken, and everybody does soon after. */
function claimsOfLateWhenBroken(
  history: History,
  arm: 'late' | 'late-poll',
  parameters: Parameters,
): Finding[] {
  const { deadlineMs, by } = parameters;
  const broken = brokenPart(history);
  // A call that is under way when DNS is mended may be answered.
  const part: Part = { fromMs: broken.fromMs, untilMs: broken.untilMs - deadlineMs };
  const { fromMs: mendedMs, untilMs } = between(history, MENDED, 'end');
  const boundMs = arm === 'late' ? recoveryBoundMs(mendedMs - broken.fromMs) : pollRecoveryMs(parameters);
  const fromMs = mendedMs + boundMs;
  // Who asks a server that is not there may run out of time before that is known.
  const code = by === 'down' ? undefined : 'UNAVAILABLE';
  return [
    successShare(history, { arm, part, phase: 'while DNS is broken', expected: 0 }),
    ...(code ? [lostWithCode(history, { arm, part, code, text: /Name resolution failed for target/ })] : []),
    noFailedCall(history, { arm, fromMs, untilMs }),
  ];
}
