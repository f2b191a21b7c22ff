// An experiment's plan from what a person would type.
import { Command } from '@commander-js/extra-typings';
import { expect } from 'vitest';
import { CAPABILITIES, type Capability } from '../../scripts/cluster/index.ts';
import type { LabError } from '../../scripts/common/errors.ts';
import type { Experiment, Plan } from '../../scripts/experiments/experiment.ts';

export function planOf(
  experiment: Experiment,
  line: string,
  capabilities: ReadonlySet<Capability> = CAPABILITIES,
): Plan {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  const { plan } = experiment.options(command as never);
  command.parse(line.split(' ').filter(Boolean), { from: 'user' });
  return plan(capabilities);
}

/** What is said of a line that cannot be. */
export function refusalOf(experiment: Experiment, line: string): string {
  try {
    planOf(experiment, line);
  } catch (error) {
    const { message, hint = '' } = error as LabError;
    return `${message} ${hint}`.trim();
  }
  return expect.fail(`${line} was accepted`);
}

/** The longest of its lines, with the word that goes before the first. */
export const widthOf = (prediction: string): number =>
  Math.max(...`Prediction. ${prediction}`.split('\n').map((line) => line.length));
