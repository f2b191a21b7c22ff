// The checks of every arm, what they add up to, and the waits side by side.
import { median } from 'simple-statistics';
import {
  type Finding,
  newPodsIdle,
  newPodsServed,
  nobodyElseCalled,
  noFailedCall,
  restingOn,
  steadyBefore,
  verdictOf,
  withinPrediction,
} from '../../checks/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { between, firstCallWaits, type History, scaleOutTimeline } from '../../history/index.ts';
import type { ResultTable } from '../../report/index.ts';
import { loadBasis } from '../basis.ts';
import type { Judged } from '../experiment.ts';
import { RETRY_UNAVAILABLE } from '../load.ts';
import type { Parameters } from './parameters.ts';
import { CONTROL, type Way } from './ways.ts';

export function judgeResolver(history: History, parameters: Parameters, ways: readonly Way[]): Judged {
  const findings = ways.flatMap((way) => {
    const basis = basisOf(history, way.name, parameters);
    return [...restingOn(basis, claimsOf(history, way, parameters)), ...basis];
  });
  const treatment = ways.map(({ name }) => name).filter((name) => name !== CONTROL);
  return {
    findings,
    judgement: verdictOf(findings, { treatment, control: CONTROL }),
    tables: [waitTable(history, ways)],
  };
}

/** What everything else rests on. */
function basisOf(history: History, arm: string, { ratePerSecond }: Parameters): Finding[] {
  return [
    ...loadBasis(history, { arm, clients: 1, ratePerSecond, maxAttempts: RETRY_UNAVAILABLE.maxAttempts }),
    steadyBefore(history, { arm, ...between(history, 'baseline', 'change'), even: true }),
  ];
}

/** For the control to pass is to behave as expected: its new pods are idle. */
function claimsOf(history: History, { name: arm, prediction }: Way, { from, to }: Parameters): Finding[] {
  const whole = between(history, 'baseline', 'end');
  const common = [nobodyElseCalled(history, { arm }), noFailedCall(history, { arm, ...whole })];
  const { untilMs } = whole;
  const newPods = to - from;
  if (prediction.kind === 'never') return [newPodsIdle(history, { arm, newPods, untilMs }), ...common];
  return [
    newPodsServed(history, { arm, newPods, boundMs: prediction.boundMs, untilMs }),
    withinPrediction(history, { arm, of: 'first-call', predicted: prediction, untilMs }),
    ...common,
  ];
}

function waitTable(history: History, ways: readonly Way[]): ResultTable {
  return {
    title: "From a new pod's Ready to the first call on it",
    columns: ['', 'new pods', 'min', 'median', 'max', 'predicted'],
    rows: ways.map(({ name, prediction }) => {
      const timeline = scaleOutTimeline(history, name);
      const waits = timeline === undefined ? [] : firstCallWaits(timeline);
      // What is Ready is told by the API, and an arm may hear of it before the lab does.
      const known = waits.flatMap(({ waitMs }) => (waitMs === undefined ? [] : [Math.max(0, waitMs)]));
      const [min, middle, max] =
        known.length === 0 ? [] : [Math.min(...known), median(known), Math.max(...known)].map(formatDuration);
      const slowest = known.length < waits.length ? 'never' : max;
      const predicted = prediction.kind === 'never' ? 'never' : `up to ${formatDuration(prediction.toMs)}`;
      return [name, `${waits.length}`, min ?? '–', middle ?? '–', slowest ?? '–', predicted];
    }),
  };
}
