// The checks of every arm, and what they add up to.
import {
  connectionBound,
  evenInTier,
  type Finding,
  localAgain,
  localOnly,
  movedElsewhere,
  nearestFirst,
  nobodyElseCalled,
  noFailedCall,
  placed,
  restingOn,
  saidOnce,
  verdictOf,
} from '../../checks/index.ts';
import { between, type History } from '../../history/index.ts';
import { loadBasis } from '../basis.ts';
import type { Judged } from '../experiment.ts';
import { RETRY_UNAVAILABLE } from '../load.ts';
import type { Parameters } from './parameters.ts';
import { afterTable, shareTable } from './tables.ts';
import { CONTROL, SAYS_WHY, type Way } from './ways.ts';

export function judgeLocality(history: History, parameters: Parameters, ways: readonly Way[]): Judged {
  const findings = ways.flatMap((way) => {
    const basis = basisOf(history, way.name, parameters);
    return [...restingOn(basis, claimsOf(history, way, parameters)), ...basis];
  });
  const arms = ways.map(({ name }) => name);
  return {
    findings,
    judgement: verdictOf(findings, {
      treatment: arms.filter((name) => name !== CONTROL),
      control: CONTROL,
    }),
    tables: [shareTable(history, arms), afterTable(history, arms)],
  };
}

/** What everything else rests on: pods are where they have to be, too. */
function basisOf(history: History, arm: string, { clients, ratePerSecond }: Parameters): Finding[] {
  return [
    ...loadBasis(history, { arm, clients, ratePerSecond, maxAttempts: RETRY_UNAVAILABLE.maxAttempts }),
    placed(history, { arm }),
  ];
}

function claimsOf(history: History, { name: arm }: Way, { ratePerSecond, burst }: Parameters): Finding[] {
  const whole = between(history, 'baseline', 'end');
  const baseline = between(history, 'baseline', 'change');
  const common = [nobodyElseCalled(history, { arm })];
  switch (arm) {
    case 'prefer-same-node':
      return [
        nearestFirst(history, { arm, part: whole }),
        evenInTier(history, { arm, part: baseline, nearness: true }),
        movedElsewhere(history, { arm, ratePerSecond, burst }),
        localAgain(history, { arm }),
        noFailedCall(history, { arm, ...whole }),
        ...common,
      ];
    case 'traffic-distribution':
      return [connectionBound(history, { arm }), ...common];
    case 'internal-traffic-policy':
      return [localOnly(history, { arm, part: whole }), ...common];
    case 'dns-one-tier':
      return [
        evenInTier(history, { arm, part: baseline, nearness: false }),
        saidOnce(history, { arm, text: SAYS_WHY }),
        ...common,
      ];
  }
}
