// The checks of every arm, and what they add up to.
import {
  answeredAgain,
  type Finding,
  failuresSay,
  nobodyElseCalled,
  noFailedCall,
  replacedOrRestarted,
  restingOn,
  steadyBefore,
  verdictOf,
} from '../../checks/index.ts';
import { between, changeAskedMs, type History, outageOf } from '../../history/index.ts';
import { loadBasis } from '../basis.ts';
import type { Judged } from '../experiment.ts';
import type { Parameters } from './parameters.ts';
import { lossTable, messageTable, recoveryTable } from './tables.ts';
import { CONTROL, type OutageArm } from './ways.ts';

/** Once a client is answered again, for what was under way to end. */
const SETTLE_MS = 1000;

export function judgeOutage(history: History, parameters: Parameters, arms: readonly OutageArm[]): Judged {
  const findings = arms.flatMap((arm) => {
    const basis = basisOf(history, arm, parameters);
    return [...restingOn(basis, claimsOf(history, arm)), ...basis];
  });
  const control = controlOf(history, parameters);
  return {
    findings: [...findings, ...control],
    judgement: verdictOf([...findings, ...control], {
      treatment: arms.map(({ name }) => name),
      control: CONTROL,
    }),
    tables: [recoveryTable(history, arms), lossTable(history, arms), messageTable(history, arms)],
  };
}

/** What everything else rests on: all was well before, and the fault did what it is about. */
function basisOf(
  history: History,
  { name: arm, kind, client }: OutageArm,
  { servers }: Parameters,
): Finding[] {
  const { fromMs } = between(history, 'baseline', 'end');
  const untilMs = changeAskedMs(history, arm) ?? Number.NEGATIVE_INFINITY;
  return [
    ...loadBasis(history, { arm, clients: 1, ratePerSecond: client.ratePerSecond, maxAttempts: 1 }),
    steadyBefore(history, { arm, fromMs, untilMs, even: false }),
    replacedOrRestarted(history, {
      arm,
      servers,
      expected: kind === 'restarted' ? 'same-pods' : 'other-pods',
    }),
  ];
}

function claimsOf(
  history: History,
  { name: arm, recovery, allowed, expected, mayHang, client }: OutageArm,
): Finding[] {
  const outage = outageOf(history, arm);
  const answeredMs = 'missing' in outage ? undefined : outage.silence.toMs;
  const { untilMs } = between(history, 'baseline', 'end');
  return [
    answeredAgain(history, { arm, recovery, callsEveryMs: 1000 / client.ratePerSecond }),
    failuresSay(history, { arm, allowed, expected, mayHang }),
    ...(answeredMs === undefined
      ? []
      : [noFailedCall(history, { arm, fromMs: answeredMs + SETTLE_MS, untilMs })]),
    nobodyElseCalled(history, { arm }),
  ];
}

function controlOf(history: History, { ratePerSecond }: Parameters): Finding[] {
  const basis = loadBasis(history, { arm: CONTROL, clients: 1, ratePerSecond, maxAttempts: 1 });
  const whole = between(history, 'baseline', 'end');
  return [...restingOn(basis, [noFailedCall(history, { arm: CONTROL, ...whole })]), ...basis];
}
