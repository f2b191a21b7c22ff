// The checks of every arm, and what they add up to.
import {
  type Finding,
  newPodsIdle,
  newPodsServed,
  nobodyElseCalled,
  noFailedCall,
  reconnectRate,
  restingOn,
  steadyBefore,
  verdictOf,
} from '../../checks/index.ts';
import { between, type History } from '../../history/index.ts';
import { loadBasis } from '../basis.ts';
import type { Judged } from '../experiment.ts';
import { RETRY_UNAVAILABLE } from '../load.ts';
import { costOf, measuredOf, steadyPart } from './measure.ts';
import type { Parameters } from './parameters.ts';
import { plotsOf } from './plots.ts';
import { CONTROL, type Setting } from './settings.ts';
import { tablesOf } from './tables.ts';

export function judgeConnectionAge(
  history: History,
  parameters: Parameters,
  settings: readonly Setting[],
): Judged {
  const findings = settings.flatMap((setting) => {
    const basis = basisOf(history, setting.name, parameters);
    return [...restingOn(basis, claimsOf(history, setting, parameters)), ...basis];
  });
  const treatment = settings.map(({ name }) => name).filter((name) => name !== CONTROL);
  const measured = measuredOf(history, settings);
  const cost = costOf(measured);
  return {
    findings,
    judgement: verdictOf(findings, { treatment, control: CONTROL }),
    tables: tablesOf(measured, cost, parameters),
    plots: plotsOf(measured),
  };
}

/** What everything else rests on. */
function basisOf(history: History, arm: string, { clients, ratePerSecond }: Parameters): Finding[] {
  return [
    ...loadBasis(history, { arm, clients, ratePerSecond, maxAttempts: RETRY_UNAVAILABLE.maxAttempts }),
    steadyBefore(history, { arm, ...steadyPart(history), even: false }),
  ];
}

/** For the control to pass is to behave as expected: its new pods are idle, and no connection is made anew. */
function claimsOf(
  history: History,
  { name: arm, maxConnectionAgeMs, boundMs }: Setting,
  { servers, added, clients }: Parameters,
): Finding[] {
  const whole = between(history, 'steady', 'end');
  const { untilMs } = whole;
  return [
    maxConnectionAgeMs === undefined
      ? newPodsIdle(history, { arm, newPods: added, untilMs })
      : newPodsServed(history, { arm, newPods: added, boundMs, untilMs }),
    reconnectRate(history, {
      arm,
      part: steadyPart(history),
      connections: servers * clients,
      maxConnectionAgeMs,
    }),
    nobodyElseCalled(history, { arm }),
    noFailedCall(history, { arm, ...whole }),
  ];
}
