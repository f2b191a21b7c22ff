// The checks of every arm, and what they add up to.
import {
  asResolved,
  connectionsOpen,
  evenPerChannel,
  type Finding,
  nobodyElseCalled,
  noFailedCall,
  onePodPerChannel,
  randomSpread,
  restingOn,
  serversReady,
  verdictOf,
} from '../../checks/index.ts';
import { between, type History } from '../../history/index.ts';
import { loadBasis } from '../basis.ts';
import type { Judged } from '../experiment.ts';
import type { Parameters } from './parameters.ts';
import { CONTROL, HEADLESS_NAME, type Setting } from './settings.ts';
import { shareTable } from './tables.ts';

/**
 * Chance with which a run in which all is as it should be fails nevertheless. With five expected per pod the
 * chi-square distribution is up to 1.6 times too sure of itself so far out: the true chance stays below 1 in 1,000.
 */
const CHANCE_OF_RUN = 0.0006;

export function judgeDistribution(
  history: History,
  parameters: Parameters,
  settings: readonly Setting[],
): Judged {
  const byChance = settings.filter(({ channels, spread }) => channels > 1 && spread !== 'in-turn');
  const significance = CHANCE_OF_RUN / byChance.length;
  const findings = settings.flatMap((setting) => {
    const basis = basisOf(history, setting, parameters);
    return [...restingOn(basis, claimsOf(history, setting, significance)), ...basis];
  });
  const treatment = settings.map(({ name }) => name).filter((name) => name !== CONTROL);
  return {
    findings,
    judgement: verdictOf(findings, { treatment, control: CONTROL }),
    tables: [shareTable(history, settings)],
  };
}

/** What everything else rests on: all pods could be called all the time, too. */
function basisOf(
  history: History,
  { name: arm }: Setting,
  { servers, ratePerSecond }: Parameters,
): Finding[] {
  return [
    ...loadBasis(history, { arm, clients: 1, ratePerSecond, maxAttempts: 1 }),
    serversReady(history, { arm, part: between(history, 'baseline', 'end'), servers }),
  ];
}

function claimsOf(history: History, setting: Setting, significance: number): Finding[] {
  const { name: arm, channels, spread, dialled, connections } = setting;
  const part = between(history, 'baseline', 'end');
  const of = { arm, channels, part };
  const common = [
    connectionsOpen(history, { arm, ...dialled, expected: connections }),
    nobodyElseCalled(history, { arm }),
    noFailedCall(history, { arm, ...part }),
  ];
  switch (spread) {
    case 'in-turn':
      return [evenPerChannel(history, of), ...common];
    case 'as-resolved':
      return [
        onePodPerChannel(history, of),
        ...(channels > 1 ? [asResolved(history, { ...of, name: HEADLESS_NAME, significance })] : []),
        ...common,
      ];
    case 'by-chance':
      return [
        onePodPerChannel(history, of),
        ...(channels > 1 ? [randomSpread(history, { ...of, significance })] : []),
        ...common,
      ];
  }
}
