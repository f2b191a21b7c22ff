import type {
  DnsProbeRequest,
  HealthProbeRequest,
  TcpProbeRequest,
  WorkloadChange,
  WorkloadRequest,
} from '../../services/protocol/index.ts';
import type { Arm, ClusterApi, Manifest, NodeFailures, PodProxy } from '../cluster/index.ts';
import type { Fault } from '../faults/index.ts';
import type { PodSeen } from '../history/index.ts';

/**
 * One side of a comparison: servers and clients of its own, which share nothing with the others but the nodes. Where
 * that is no matter for the question, its clients may call the servers of another arm.
 */
export type ArmPlan = Omit<Arm, 'run'> & {
  /** The arm whose servers its clients call, an arm that has some; it has none of its own. */
  serversOf?: string | undefined;
  /** Its servers need not get Ready for the run to begin. */
  mayBeUnready?: boolean | undefined;
  /**
   * Its servers speak TLS, with a certificate for the names of its Services that `certificateAuthority` has signed.
   * (The manifest's probes do not.)
   */
  serverTls?: boolean | undefined;
};

/** The running arms, and all that an experiment can do with them. Everything is undone when it ends. */
export type Stage = {
  api: ClusterApi;
  /** To the pods' control endpoints. */
  proxy: PodProxy;
  /** Nodes that can be made to fail; undefined where they cannot be stopped. */
  nodes: NodeFailures | undefined;
  /** Of the servers that speak TLS, in PEM; undefined when none does. */
  certificateAuthority: string | undefined;
  /** The servers that an arm's clients call, those that are there now and not on their way out, by name. */
  servers: (arm: string) => PodSeen[];
  /** The same of its clients. */
  clients: (arm: string) => PodSeen[];
  /**
   * Starts the workload on every client of every arm for which there is one, each at its own random moment within
   * `spreadMs`, and watches the answers to `dnsName`. May be called again for other arms.
   */
  startWorkloads: (
    workloadOf: (arm: string) => Omit<WorkloadRequest, 'id'> | undefined,
    options: { spreadMs: number; dnsName?: (arm: string) => string | undefined },
  ) => Promise<void>;
  /** Changes what runs on every client of every arm for which there is a change. */
  changeWorkloads: (changeOf: (arm: string) => WorkloadChange | undefined) => Promise<void>;
  /** From now on each change of the answer is in the history, as one client of the arm sees it. */
  watchDns: (arm: string, name: string) => Promise<void>;
  /** One client of the arm asks its resolver for a name, once; what it hears is in the history. */
  probeDns: (arm: string, request: DnsProbeRequest) => Promise<void>;
  /** One client of the arm opens a TCP connection and closes it; how that went is in the history. */
  probeTcp: (arm: string, request: TcpProbeRequest) => Promise<void>;
  /** Asks the API whether it would make an object, which it does not; what it says is in the history. */
  dryRun: (arm: string, object: Manifest) => Promise<void>;
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
   *
   * @param meanwhile begins at the mark `name`; it lasts until this has ended too.
   */
  during: (
    name: string,
    faults: readonly Fault[],
    ms: number,
    meanwhile?: () => Promise<void>,
  ) => Promise<void>;
  /** Waits until all that has to be Ready is. */
  allReady: () => Promise<void>;
  /** Puts the TCP connections of all pods of these arms into the history, as the kernel has them: once of each pod. */
  readSockets: (arms: readonly string[]) => Promise<void>;
  /** Puts the CPU time of all pods of these arms into the history. */
  readCpu: (arms: readonly string[]) => Promise<void>;
  /** Runs the health-probe script in each server of an arm, and puts into the history how long it took. */
  runHealthProbe: (arm: string, request: HealthProbeRequest) => Promise<void>;
  /** Puts the lines of the logs of an arm's clients into the history. */
  readLogs: (arm: string) => Promise<void>;
};
