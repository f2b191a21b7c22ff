// The checks of every probe, and what they add up to.
import {
  endpointsFollow,
  endpointsKept,
  execTimeout,
  type Finding,
  neverReady,
  readyThroughoutPart,
  restingOn,
  scriptInTime,
  verdictOf,
} from '../../checks/index.ts';
import { between, type History } from '../../history/index.ts';
import type { Judged } from '../experiment.ts';
import { type Arm, CONTROL, FAULT, serviceOf, TIMED_IN } from './arms.ts';
import type { Parameters } from './parameters.ts';
import { probeTable, saidTable, scriptTable } from './tables.ts';

export function judgeProbes(history: History, parameters: Parameters, arms: readonly Arm[]): Judged {
  const findings = arms.flatMap((arm) => {
    const basis = basisOf(history, arm);
    return [...restingOn(basis, claimsOf(history, arm, parameters)), ...basis];
  });
  const treatment = arms.map(({ name }) => name).filter((name) => name !== CONTROL);
  return {
    findings,
    judgement: verdictOf(findings, { treatment, control: CONTROL }),
    tables: [probeTable(history, arms), scriptTable(history, arms), saidTable(history, arms)],
  };
}

/** What a pod says by a script rests on the script's having had the time to ask. */
const basisOf = (history: History, { name: arm, timeoutMs, fate }: Arm): Finding[] =>
  timeoutMs !== undefined && fate.kind === 'follows'
    ? [scriptInTime(history, { arm, timeoutMs, timedIn: TIMED_IN })]
    : [];

function claimsOf(history: History, arm: Arm, { boundMs, execBoundMs }: Parameters): Finding[] {
  const { name, fate, timeoutMs } = arm;
  const { untilMs } = between(history, 'baseline', 'end');
  const baseline = between(history, 'baseline', FAULT);
  const timed =
    timeoutMs === undefined ? [] : [execTimeout(history, { arm: name, timeoutMs, timedIn: TIMED_IN })];
  const readiness = { arm: name, service: serviceOf(name), fault: FAULT, untilMs };
  switch (fate.kind) {
    case 'never':
      return [neverReady(history, { arm: name, because: fate.because }), ...timed];
    case 'always':
      return [readyThroughoutPart(history, { arm: name, part: baseline }), endpointsKept(history, readiness)];
    case 'follows':
      return [
        endpointsFollow(history, { ...readiness, boundMs: timeoutMs === undefined ? boundMs : execBoundMs }),
        ...timed,
      ];
    case 'open':
      return timed;
  }
}
