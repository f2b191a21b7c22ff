// What each policy gave and what it cost, side by side.
import { percent } from '../../checks/index.ts';
import { callsStartedIn, figuresOf, type History, type Part } from '../../history/index.ts';
import type { ResultTable } from '../../report/index.ts';
import type { Parameters } from './parameters.ts';
import { countedOf, healthyPart } from './parts.ts';
import { phasesOf, stepsOf } from './phases.ts';
import type { PolicyArm } from './policies.ts';

export function tablesOf(
  history: History,
  parameters: Parameters,
  arms: readonly PolicyArm[],
): ResultTable[] {
  const cell = (arm: string, { fromMs, untilMs }: Part) => {
    const { calls, ok, attemptsPerCall } = figuresOf(callsStartedIn(history, arm, fromMs, untilMs));
    return calls === 0 ? '–' : `${percent(ok / calls)} × ${attemptsPerCall?.toFixed(2) ?? '–'}`;
  };
  const troubles = phasesOf(parameters).filter(({ trouble }) => trouble !== 'overload');
  return [
    {
      title: 'Calls that succeeded × attempts per call',
      columns: ['', 'healthy', ...troubles.map(({ name }) => name)],
      rows: arms.map(({ name }) => [
        name,
        cell(name, healthyPart(history, name)),
        ...troubles.map((phase) => cell(name, countedOf(history, phase, parameters))),
      ]),
    },
    {
      title: 'The same by how many calls were made, over those that servers could do',
      columns: ['', ...arms.map(({ name }) => name)],
      rows: stepsOf(parameters.overloads).map((step) => [
        `${step.overload}`,
        ...arms.map(({ name }) => cell(name, countedOf(history, step, parameters))),
      ]),
    },
  ];
}
