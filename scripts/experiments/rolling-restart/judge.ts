// The checks of every arm, and what they add up to.
import {
  type Finding,
  fewCallsLost,
  lostWithCode,
  nobodyElseCalled,
  noFailedCall,
  readyInTime,
  restingOn,
  silenceLength,
  steadyBefore,
  verdictOf,
} from '../../checks/index.ts';
import { between, type History } from '../../history/index.ts';
import { loadBasis } from '../basis.ts';
import type { Judged } from '../experiment.ts';
import { CONTROL, type RestartArm } from './arms.ts';
import type { Parameters } from './parameters.ts';
import { lossTable } from './tables.ts';

export function judgeRestart(history: History, parameters: Parameters, arms: readonly RestartArm[]): Judged {
  const findings = arms.flatMap((arm) => {
    const basis = basisOf(history, arm, parameters);
    return [...restingOn(basis, claimsOf(history, arm)), ...basis];
  });
  const names = arms.map(({ name }) => name);
  return {
    findings,
    judgement: verdictOf(findings, {
      treatment: names.filter((name) => name !== CONTROL),
      control: CONTROL,
    }),
    tables: [lossTable(history, arms)],
  };
}

/** What everything else rests on: new pods were as late, or as early, as the arm is about. */
function basisOf(
  history: History,
  { name: arm, client, servers }: RestartArm,
  { ratePerSecond, drainMs, shortDrainMs }: Parameters,
): Finding[] {
  const drains = servers.end === 'graceful';
  const servesOnMs = servers.slow ? shortDrainMs : drainMs;
  const timing = readyInTime(history, {
    arm,
    drainMs: drains ? servesOnMs : 0,
    expected: servers.maxUnavailable === 0 || (drains && !servers.slow) ? 'before' : 'after',
  });
  return [
    ...loadBasis(history, { arm, clients: 1, ratePerSecond, maxAttempts: client.retry?.maxAttempts ?? 1 }),
    steadyBefore(history, { arm, ...between(history, 'baseline', 'change'), even: true }),
    timing,
  ];
}

/** For the control to pass is to behave as expected: it loses calls. */
function claimsOf(history: History, { name: arm, expected }: RestartArm): Finding[] {
  const part = between(history, 'change', 'end');
  const common = [nobodyElseCalled(history, { arm })];
  switch (expected.kind) {
    case 'none':
      return [noFailedCall(history, { arm, ...between(history, 'baseline', 'end') }), ...common];
    case 'few':
      return [fewCallsLost(history, { arm, part, most: expected.most }), ...common];
    case 'outage':
      return [
        silenceLength(history, { arm, part, predicted: expected }),
        ...(expected.code === undefined ? [] : [lostWithCode(history, { arm, part, code: expected.code })]),
        ...common,
      ];
  }
}
