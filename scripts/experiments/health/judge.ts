// The checks of every arm, and what they add up to.
import {
  endpointsFollow,
  endpointsKept,
  type Finding,
  nobodyElseCalled,
  noFailedCall,
  restingOn,
  shareKept,
  shareWithdrawn,
  steadyBefore,
  verdictOf,
} from '../../checks/index.ts';
import { between, faultSpan, type History } from '../../history/index.ts';
import { loadBasis } from '../basis.ts';
import type { Judged } from '../experiment.ts';
import { RETRY_UNAVAILABLE } from '../load.ts';
import { type Arm, CONTROL, FAULTS, serviceOf } from './arms.ts';
import type { FaultName, Parameters } from './parameters.ts';
import { seenTable } from './tables.ts';

export function judgeHealth(history: History, parameters: Parameters, arms: readonly Arm[]): Judged {
  const findings = arms.flatMap((arm) => {
    const basis = basisOf(history, arm.name, parameters);
    const claims = [
      ...FAULTS.flatMap(({ name, service }) =>
        claimsOf(history, arm, { fault: name, isSeen: arm.asks === service }, parameters),
      ),
      nobodyElseCalled(history, { arm: arm.name }),
      noFailedCall(history, { arm: arm.name, ...between(history, 'baseline', 'end') }),
    ];
    return [...restingOn(basis, claims), ...basis];
  });
  const treatment = arms.map(({ name }) => name).filter((name) => name !== CONTROL);
  return {
    findings,
    judgement: verdictOf(findings, { treatment, control: CONTROL }),
    tables: [seenTable(history, arms)],
  };
}

/** What everything else rests on. */
const basisOf = (history: History, arm: string, { ratePerSecond }: Parameters): Finding[] => [
  ...loadBasis(history, { arm, clients: 1, ratePerSecond, maxAttempts: RETRY_UNAVAILABLE.maxAttempts }),
  steadyBefore(history, { arm, ...between(history, 'baseline', 'service'), even: true }),
];

function claimsOf(
  history: History,
  { name: arm }: Arm,
  { fault, isSeen }: { fault: FaultName; isSeen: boolean },
  { endpointBoundMs, clientBoundMs, servers }: Parameters,
): Finding[] {
  const { untilMs } = between(history, fault, fault === 'service' ? 'whole' : 'end');
  const where = { arm, service: serviceOf(arm), fault, untilMs };
  const endpoints = isSeen
    ? endpointsFollow(history, { ...where, boundMs: endpointBoundMs })
    : endpointsKept(history, where);
  const span = faultSpan(history, arm, fault);
  const part = {
    fromMs: (span?.injectedMs ?? Number.POSITIVE_INFINITY) + endpointBoundMs,
    untilMs: span?.healAskedMs ?? Number.NEGATIVE_INFINITY,
  };
  const share =
    isSeen && arm === 'probed-max-age'
      ? shareWithdrawn(history, { arm, fault, untilMs, boundMs: endpointBoundMs + clientBoundMs })
      : shareKept(history, { arm, fault, part, servers });
  return [endpoints, share];
}
