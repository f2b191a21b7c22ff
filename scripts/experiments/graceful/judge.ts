// The checks of every arm, and what they add up to.
import { GRPC_PORT } from '../../../services/protocol/index.ts';
import {
  AGE_JITTER,
  agedCallsEndWell,
  codesWhenCut,
  connectionKept,
  cutAfterGrace,
  type Finding,
  firstConnection,
  historyComplete,
  nobodyElseCalled,
  noFailedCall,
  rateHeld,
  restingOn,
  verdictOf,
} from '../../checks/index.ts';
import { between, type History } from '../../history/index.ts';
import { loadBasis } from '../basis.ts';
import type { Judged } from '../experiment.ts';
import { type Arm, CONTROL, rateOf } from './arms.ts';
import type { Parameters } from './parameters.ts';
import { agePlot, fateTable } from './tables.ts';

export function judgeGraceful(history: History, parameters: Parameters, arms: readonly Arm[]): Judged {
  const findings = arms.flatMap((arm) => {
    const basis = basisOf(history, arm, parameters);
    return [...restingOn(basis, claimsOf(history, arm)), ...basis];
  });
  const treatment = arms.map(({ name }) => name).filter((name) => name !== CONTROL);
  return {
    findings,
    judgement: verdictOf(findings, { treatment, control: CONTROL }),
    tables: [fateTable(history, arms)],
    plots: [agePlot(history, arms)],
  };
}

/** What everything else rests on. Servers do not count streams. */
function basisOf(history: History, arm: Arm, parameters: Parameters): Finding[] {
  const load = { arm: arm.name, clients: 1, ratePerSecond: rateOf(arm, parameters) };
  return arm.calls === 'streams'
    ? [historyComplete(history, load), rateHeld(history, load)]
    : loadBasis(history, { ...load, maxAttempts: 1 });
}

function claimsOf(history: History, { name: arm, calls, ageMs, graceMs }: Arm): Finding[] {
  // Everything from the first call on: connections are as old as they are.
  const part = { fromMs: Number.NEGATIVE_INFINITY, untilMs: between(history, 'connected', 'end').untilMs };
  const isGraced = arm === 'grace' || arm === 'grace-many' || arm === 'stream-grace';
  const cut =
    isGraced && ageMs !== undefined
      ? [
          cutAfterGrace(history, {
            arm,
            part,
            ageMs,
            graceMs: graceMs ?? 0,
            whyNever: graceMs === undefined ? 'without a grace nothing is cut' : undefined,
          }),
          codesWhenCut(history, { arm }),
        ]
      : [];
  if (calls === 'streams') {
    const expected = isGraced ? 'closed' : 'open';
    const leastMs = (ageMs ?? 0) * (1 + AGE_JITTER) + (graceMs ?? 0);
    return [...cut, firstConnection(history, { arm, port: GRPC_PORT, expected, leastMs })];
  }
  if (isGraced) return cut;
  const whole = [noFailedCall(history, { arm, ...part }), nobodyElseCalled(history, { arm })];
  return arm === CONTROL
    ? [connectionKept(history, { arm, part }), ...whole]
    : [agedCallsEndWell(history, { arm, part }), ...whole];
}
