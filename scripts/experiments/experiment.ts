// What an experiment is. Each one is a folder here, whose index.ts exports it by default; that is all it takes to be
// listed and run.
import type { Command } from '@commander-js/extra-typings';
import type { WorkloadRequest } from '../../services/protocol/index.ts';
import type { Finding, Judgement } from '../checks/index.ts';
import type { ClusterApi, PodProxy, ServiceFields } from '../cluster/index.ts';
import type { Fault } from '../faults/index.ts';
import type { History, PodSeen } from '../history/index.ts';
import type { Plot, ResultTable } from '../report/index.ts';

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

/** One side of a comparison: servers and clients of its own, which share nothing with the others but the nodes. */
export type ArmPlan = {
  name: string;
  servers: number;
  clients: number;
  /** Environment of its servers; `undefined` takes a variable out of the manifest. */
  serverEnv: Record<string, string | undefined>;
  /** Fields of its ClusterIP Service. */
  service?: ServiceFields | undefined;
  /** `strict`: pods of a kind on as many nodes as there can be. */
  spread?: 'strict' | undefined;
  /** CPU that each client asks for, `150m`, where there are many at low rates. */
  clientCpu?: string | undefined;
};

/** The running arms, and all that an experiment can do with them. Everything is undone when it ends. */
export type Stage = {
  api: ClusterApi;
  /** To the pods' control endpoints. */
  proxy: PodProxy;
  /** An arm's servers that are there now and not on their way out, by name. */
  servers: (arm: string) => PodSeen[];
  /** The same of its clients. */
  clients: (arm: string) => PodSeen[];
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
   * Injects one after another, those of a list together, each when the arms of the ones before have as many Ready servers
   * as they should: on a small machine, many pods that start at once would starve the calls, and the lab would measure
   * itself.
   */
  inject: (faults: readonly (Fault | readonly Fault[])[], serversAfter: number) => Promise<void>;
  /**
   * Injects all at once and lets the time pass, which in the history is between the mark `name` and the mark
   * `name over`; then heals all of them, whatever has happened.
   */
  during: (name: string, faults: readonly Fault[], ms: number) => Promise<void>;
  /** Puts the lines of the logs of an arm's clients into the history. */
  readLogs: (arm: string) => Promise<void>;
};
