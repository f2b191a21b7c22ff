// The checks of both arms, and what they add up to.
import {
  callsLost,
  evenShares,
  type Finding,
  gonePodsNotCalled,
  newPodsIdle,
  newPodsServed,
  nobodyElseCalled,
  noFailedCall,
  restingOn,
  steadyBefore,
  verdictOf,
  withinPrediction,
} from '../../checks/index.ts';
import { between, type History } from '../../history/index.ts';
import { loadBasis } from '../basis.ts';
import type { Judged } from '../experiment.ts';
import { RETRY_UNAVAILABLE } from '../load.ts';
import type { Parameters } from './parameters.ts';
import type { ScalePrediction } from './prediction.ts';

export function judgeScale(history: History, parameters: Parameters, prediction: ScalePrediction): Judged {
  const findings = ['treatment', 'control'].flatMap((arm) => {
    const basis = basisOf(history, arm, parameters);
    const claims =
      arm === 'treatment' ? claimsOf(history, parameters, prediction) : controlsOf(history, parameters);
    return [...restingOn(basis, claims), ...basis];
  });
  return { findings, judgement: verdictOf(findings, { treatment: 'treatment', control: 'control' }) };
}

/** What everything else rests on. */
function basisOf(history: History, arm: string, parameters: Parameters): Finding[] {
  const { fromMs, untilMs } = between(history, 'baseline', 'change');
  const even = parameters.policy === 'round_robin' && parameters.service === 'headless';
  return [
    ...loadBasis(history, {
      arm,
      clients: parameters.clients,
      ratePerSecond: parameters.ratePerSecond,
      maxAttempts: RETRY_UNAVAILABLE.maxAttempts,
    }),
    steadyBefore(history, { arm, fromMs, untilMs, even }),
  ];
}

function claimsOf(
  history: History,
  parameters: Parameters,
  { direction, treatment }: ScalePrediction,
): Finding[] {
  const arm = 'treatment';
  const { from, to } = parameters;
  const whole = between(history, 'baseline', 'end');
  const predicted = treatment.convergence;
  const bound = {
    arm,
    boundMs: predicted.boundMs,
    untilMs: whole.untilMs,
    whyNever: predicted.kind === 'never' ? predicted.why : undefined,
  };
  const common = [nobodyElseCalled(history, { arm }), noFailedCall(history, { arm, ...whole })];
  if (direction === 'in') {
    return [...common, gonePodsNotCalled(history, { arm, gonePods: from - to }), evenShares(history, bound)];
  }
  return [
    newPodsServed(history, { ...bound, newPods: to - from }),
    evenShares(history, bound),
    ...(predicted.kind === 'interval'
      ? [withinPrediction(history, { arm, of: 'first-call', predicted, untilMs: whole.untilMs })]
      : []),
    ...common,
  ];
}

/** For a control to pass is to behave as expected: idle new pods, or lost calls. */
function controlsOf(history: History, parameters: Parameters): Finding[] {
  const arm = 'control';
  const whole = between(history, 'baseline', 'end');
  const { from, to } = parameters;
  return to > from
    ? [newPodsIdle(history, { arm, newPods: to - from, untilMs: whole.untilMs })]
    : [callsLost(history, { arm, ...whole })];
}
