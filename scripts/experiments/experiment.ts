// What an experiment is. Each one is a folder here, whose index.ts exports it by default; that is all it takes to be
// listed and run.
import type { Command } from '@commander-js/extra-typings';
import type { WorkloadRequest } from '../../services/protocol/index.ts';
import type { Finding, Judgement } from '../checks/index.ts';
import type { ClusterApi } from '../cluster/index.ts';
import type { Fault } from '../faults/index.ts';
import type { History } from '../history/index.ts';

export type Experiment = {
  name: string;
  /** In one line. */
  question: string;
  /** What is done and what is expected, for --help. */
  about: string;
  /** Adds the experiment's own options; calls `plan` of what was parsed. */
  options: (command: Command) => {
    command: Pick<Command, 'options' | 'args' | 'registeredArguments' | 'error'>;
    plan: () => Plan;
  };
};

/** An experiment with its parameters: complete before anything is touched. */
export type Plan = {
  /** As they count, defaults filled in; durations in milliseconds. */
  parameters: Record<string, unknown>;
  /** What is expected, in lines of at most 80 columns. */
  prediction: string;
  arms: ArmPlan[];
  run: (stage: Stage) => Promise<void>;
  judge: (history: History) => { findings: Finding[]; judgement: Judgement };
};

/** One side of a comparison: servers and clients of its own, which share nothing with the others but the nodes. */
export type ArmPlan = {
  name: string;
  servers: number;
  clients: number;
  /** Environment of its servers; `undefined` takes a variable out of the manifest. */
  serverEnv: Record<string, string | undefined>;
};

/** The running arms, and all that an experiment can do with them. Everything is undone when it ends. */
export type Stage = {
  api: ClusterApi;
  /**
   * Starts the workload on every client of every arm, each at its own random moment within `spreadMs`, and watches
   * the answers to `dnsName`.
   */
  startWorkloads: (
    workloadOf: (arm: string) => Omit<WorkloadRequest, 'id'>,
    options: { spreadMs: number; dnsName?: (arm: string) => string },
  ) => Promise<void>;
  /** Lets the time pass; in the history it begins with a mark of this name. */
  observe: (name: string, ms: number) => Promise<void>;
  /**
   * Injects one after another, each when the arm of the one before has as many Ready servers as it should: on a small
   * machine, many pods that start at once would starve the calls, and the lab would measure itself.
   */
  inject: (faults: readonly Fault[], serversAfter: number) => Promise<void>;
};
