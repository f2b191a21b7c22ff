// What an experiment is. Each one is a folder here, whose index.ts exports it by default; that is all it takes to be
// listed and run.
import type { Command } from '@commander-js/extra-typings';
import type { Finding, Judgement } from '../checks/index.ts';
import type { Capability } from '../cluster/index.ts';
import type { History } from '../history/index.ts';
import type { Plot, ResultTable } from '../report/index.ts';
import type { ArmPlan, Stage } from '../stage/index.ts';

export type Experiment = {
  name: string;
  /** Where it stands among the others: what is found first, and what builds on it, from 1 up. */
  order: number;
  /** In one line. */
  question: string;
  /** What is done and what is expected, for --help. */
  about: string;
  /** What to do with the finding in a system of one's own. */
  use: string;
  /** The figures of its report that show the finding best, by their ids: `requests-ARM`, `plot-1` and so on. */
  figures: readonly string[];
  /** Adds the experiment's own options; calls `plan` of what was parsed, with what the provider can do. */
  options: (command: Command) => {
    command: Pick<Command, 'options' | 'args' | 'registeredArguments' | 'error'>;
    plan: (capabilities: ReadonlySet<Capability>) => Plan;
  };
};

/** An experiment with its parameters: complete before anything is touched. */
export type Plan = {
  /** As they count, defaults filled in; durations in milliseconds. */
  parameters: Record<string, unknown>;
  /** What is expected, in lines of at most 80 columns. */
  prediction: string;
  arms: ArmPlan[];
  /** What the provider must be able to do. */
  needs?: readonly Capability[];
  run: (stage: Stage) => Promise<void>;
  judge: (history: History) => Judged;
};

export type Judged = {
  findings: Finding[];
  judgement: Judgement;
  /** What the experiment shows beside each arm's figures. */
  tables?: ResultTable[];
  /** Curves, for the page. */
  plots?: Plot[];
};
