// The checks of every arm and phase, what they add up to, and the figures side by side.
import {
  amplification,
  type Finding,
  nobodyElseCalled,
  noFailedCall,
  percent,
  restingOn,
  SIGMAS,
  shareDeviation,
  sharesCompared,
  steadyBefore,
  successShare,
  verdictOf,
} from '../../checks/index.ts';
import {
  between,
  callsStartedIn,
  changeAskedMs,
  figuresOf,
  type History,
  type Part,
} from '../../history/index.ts';
import type { ResultTable } from '../../report/index.ts';
import { loadBasis } from '../basis.ts';
import type { Judged } from '../experiment.ts';
import { countedMs, type Parameters, TAIL_MS } from './parameters.ts';
import { CONTROL, PHASES, type Phase, type PolicyArm } from './policies.ts';

export function judgeRetry(history: History, parameters: Parameters, arms: readonly PolicyArm[]): Judged {
  const control = arms.find(({ name }) => name === CONTROL);
  const findings = arms.flatMap((arm) => {
    const basis = basisOf(history, arm, parameters);
    const claims = [
      ...PHASES.flatMap((phase) => claimsOf(history, { arm, control, phase }, parameters)),
      nobodyElseCalled(history, { arm: arm.name }),
      noFailedCall(history, { arm: arm.name, ...recovered(history, parameters) }),
    ];
    return [...restingOn(basis, claims), ...basis];
  });
  const treatment = arms.map(({ name }) => name).filter((name) => name !== CONTROL);
  return {
    findings,
    judgement: verdictOf(findings, { treatment, control: CONTROL }),
    tables: [figureTable(history, parameters, arms)],
  };
}

/** What everything else rests on: all was well before, too. */
function basisOf(history: History, arm: PolicyArm, { ratePerSecond }: Parameters): Finding[] {
  const { name, maxAttempts, hedging } = arm;
  const part = healthy(history, name);
  return [
    ...loadBasis(history, {
      arm: name,
      clients: 1,
      ratePerSecond,
      maxAttempts,
      hedging: hedging !== undefined,
    }),
    steadyBefore(history, { arm: name, ...part, even: false }),
    amplification(history, {
      arm: name,
      phase: 'healthy',
      part,
      hedging,
      expected: arm.expected.healthy.attempts,
    }),
  ];
}

function claimsOf(
  history: History,
  { arm, control, phase }: { arm: PolicyArm; control: PolicyArm | undefined; phase: Phase },
  parameters: Parameters,
): Finding[] {
  const { name, hedging } = arm;
  const { kind, share, attempts } = arm.expected[phase];
  const what = { arm: name, phase, part: partOf(history, phase, parameters) };
  const exact =
    kind === 'exact'
      ? [
          successShare(history, { ...what, expected: share }),
          amplification(history, { ...what, hedging, expected: attempts }),
        ]
      : [];
  if (control === undefined || arm === control) return exact;
  const difference = halfOf(share - control.expected[phase].share, share, parameters);
  return [...exact, sharesCompared(history, { ...what, than: CONTROL, difference })];
}

/** Half of a difference that the model gives is asked for; where it gives none, that it is no more than chance. */
function halfOf(
  difference: number,
  share: number,
  parameters: Parameters,
): { atLeast: number } | { atMost: number } {
  if (difference > 0) return { atLeast: difference / 2 };
  if (difference < 0) return { atMost: difference / 2 };
  const calls = (parameters.ratePerSecond * countedMs(parameters)) / 1000;
  return { atLeast: -2 * SIGMAS * shareDeviation(share, calls) };
}

const healthy = (history: History, arm: string): Part => ({
  fromMs: between(history, 'baseline', 'end').fromMs,
  untilMs: changeAskedMs(history, arm) ?? Number.NEGATIVE_INFINITY,
});

/** A phase without its beginning, when things come about, and without its very end. */
function partOf(history: History, phase: Phase, { settleMs }: Parameters): Part {
  const { fromMs, untilMs } = between(history, phase, `${phase} over`);
  return { fromMs: fromMs + settleMs, untilMs: untilMs - TAIL_MS };
}

function recovered(history: History, { settleMs }: Parameters): Part {
  const { fromMs, untilMs } = between(history, 'recovered', 'end');
  return { fromMs: fromMs + settleMs, untilMs };
}

function figureTable(history: History, parameters: Parameters, arms: readonly PolicyArm[]): ResultTable {
  const cell = (arm: string, { fromMs, untilMs }: Part) => {
    const { calls, ok, attemptsPerCall } = figuresOf(callsStartedIn(history, arm, fromMs, untilMs));
    return calls === 0 ? '–' : `${percent(ok / calls)} × ${attemptsPerCall?.toFixed(2) ?? '–'}`;
  };
  return {
    title: 'Calls that succeeded × attempts per call',
    columns: ['', 'healthy', ...PHASES],
    rows: arms.map(({ name }) => [
      name,
      cell(name, healthy(history, name)),
      ...PHASES.map((phase) => cell(name, partOf(history, phase, parameters))),
    ]),
  };
}
