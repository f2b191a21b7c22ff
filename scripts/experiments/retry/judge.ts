// The checks of every arm and phase, and what they add up to.
import {
  amplification,
  type Finding,
  nobodyElseCalled,
  noFailedCall,
  restingOn,
  SIGMAS,
  shareDeviation,
  sharesCompared,
  steadyBefore,
  successShare,
  unlessStarved,
  verdictOf,
  worseFrom,
} from '../../checks/index.ts';
import { between, type History } from '../../history/index.ts';
import { loadBasis } from '../basis.ts';
import type { Judged } from '../experiment.ts';
import { countedMs, type Parameters } from './parameters.ts';
import { countedOf, healthyPart, recoveredPart } from './parts.ts';
import { lengthMs, type Phase, phasesOf, stepsOf } from './phases.ts';
import { plotOf } from './plot.ts';
import { CONTROL, type PolicyArm } from './policies.ts';
import { tablesOf } from './tables.ts';

export function judgeRetry(history: History, parameters: Parameters, arms: readonly PolicyArm[]): Judged {
  const findings = arms.flatMap((arm) => {
    const basis = basisOf(history, arm, parameters);
    return [...restingOn(basis, claimsOf(history, arm, arms, parameters)), ...basis];
  });
  const treatment = arms.map(({ name }) => name).filter((name) => name !== CONTROL);
  return {
    findings,
    judgement: verdictOf(findings, { treatment, control: CONTROL }),
    tables: tablesOf(history, parameters, arms),
    plots: [plotOf(history, parameters, arms)],
  };
}

/** What everything else rests on: all was well before, too. */
function basisOf(history: History, arm: PolicyArm, { ratePerSecond }: Parameters): Finding[] {
  const { name, maxAttempts, hedging } = arm;
  const part = healthyPart(history, name);
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
      expected: arm.healthy.attempts,
    }),
  ];
}

function claimsOf(
  history: History,
  arm: PolicyArm,
  arms: readonly PolicyArm[],
  parameters: Parameters,
): Finding[] {
  const { name } = arm;
  return [
    ...phasesOf(parameters).flatMap((phase) => {
      // What comes before the part that counts belongs to it too: there things come about.
      const whole = between(history, phase.name, `${phase.name} over`);
      return claimsIn(history, { arm, arms, phase }, parameters).map((finding) =>
        unlessStarved(history, whole, finding),
      );
    }),
    ...(name === CONTROL
      ? []
      : [unlessStarved(history, allSteps(history, parameters), tips(history, arm, parameters))]),
    nobodyElseCalled(history, { arm: name }),
    noFailedCall(history, { arm: name, ...recoveredPart(history, parameters) }),
  ];
}

type In = { arm: PolicyArm; arms: readonly PolicyArm[]; phase: Phase };

function claimsIn(history: History, { arm, arms, phase }: In, parameters: Parameters): Finding[] {
  const { name, hedging } = arm;
  const { kind, share, shareMayBeOff, attempts } = arm.expected(phase);
  const what = { arm: name, phase: phase.name, part: countedOf(history, phase, parameters) };
  const compared = (than: string | undefined, onlyIfBetter: boolean): Finding[] => {
    const other = arms.find((one) => one !== arm && one.name === than);
    if (other === undefined) return [];
    const difference = share - other.expected(phase).share;
    if (onlyIfBetter && difference <= 0) return [];
    return [
      sharesCompared(history, {
        ...what,
        than: other.name,
        difference: halfOf(difference, share, callsIn(phase, parameters)),
      }),
    ];
  };
  return [
    ...(kind === 'exact'
      ? [
          successShare(history, { ...what, expected: share, mayBeOff: shareMayBeOff }),
          amplification(history, { ...what, hedging, expected: attempts }),
        ]
      : []),
    ...(kind === 'open' ? [] : [...compared(CONTROL, false), ...compared(arm.betterThan, true)]),
  ];
}

/** Half of a difference that the model gives is asked for; where it gives none, that it is no more than chance. */
function halfOf(difference: number, share: number, calls: number): { atLeast: number } | { atMost: number } {
  if (difference > 0) return { atLeast: difference / 2 };
  if (difference < 0) return { atMost: difference / 2 };
  return { atLeast: -2 * SIGMAS * shareDeviation(share, calls) };
}

const callsIn = (phase: Phase, parameters: Parameters): number =>
  (parameters.ratePerSecond * countedMs(lengthMs(phase, parameters), parameters)) / 1000;

const tips = (history: History, { name, tipping }: PolicyArm, parameters: Parameters): Finding =>
  worseFrom(history, {
    arm: name,
    than: CONTROL,
    steps: stepsOf(parameters.overloads).map((step) => ({
      at: step.overload,
      part: countedOf(history, step, parameters),
    })),
    tipping,
  });

function allSteps(history: History, { overloads }: Parameters) {
  const steps = stepsOf(overloads);
  return between(history, steps[0]?.name ?? '', `${steps.at(-1)?.name} over`);
}
