import type { ClusterConfig } from './config.ts';
import type { Bundle } from './images.ts';
import type { Lab } from './lab.ts';
import type { Manifest } from './manifests.ts';

/** Something that would fail, or may: found before anything is created. */
export type Problem = {
  severity: 'error' | 'warning';
  what: string;
  /** What to do about it. */
  hint: string;
};

/**
 * Whose a cluster of a lab's name is. `partial`: this tool's, but not all of it is there (a creation was cut off);
 * `foreign`: somebody else made it, and it is not touched.
 */
export type Ownership = 'absent' | 'ours' | 'partial' | 'foreign';

/**
 * What an experiment may ask of a cluster beyond the Kubernetes API: that NetworkPolicies have an effect; that pods are
 * containers, with kernel parameters and ports of their own; that nodes can be stopped; that DNS and the like are pods;
 * that Services can have ports of the nodes.
 */
export type Capability = 'network-policy' | 'containers' | 'stop-nodes' | 'system-pods' | 'node-ports';
export const CAPABILITIES: ReadonlySet<Capability> = new Set([
  'network-policy',
  'containers',
  'stop-nodes',
  'system-pods',
  'node-ports',
]);

/**
 * `partition`: no packet gets to a node or away from it, while all on it runs on; for who is elsewhere, a power cut is the
 * same. `stop`: all its processes end without notice, and with them their connections.
 */
export const NODE_FAILURES = ['partition', 'stop'] as const;
export type NodeFailure = (typeof NODE_FAILURES)[number];

export type { Bundle };

export type Work = { say: (detail: string) => void; signal: AbortSignal };

/**
 * Makes and deletes clusters. It hands over a kubeconfig; nothing above knows which provider it is on.
 */
export type Provider = {
  name: string;
  capabilities: ReadonlySet<Capability>;
  /** @throws LabError `prerequisite` when this machine lacks what it takes at all. */
  available: () => Promise<void>;
  /** What a person can do about a cluster of that name that is not the lab's. */
  foreignHint: (lab: Lab) => string;
  /** What would keep a cluster from being created, or from working. */
  preflight: (config: ClusterConfig, fresh: boolean) => Promise<Problem[]>;
  ownership: (lab: Lab) => Promise<Ownership>;
  /** Names of the clusters that this tool made, on this machine. */
  list: () => Promise<string[]>;
  /** Returns when the API server answers; nodes may still be NotReady. Writes the lab's kubeconfig. Says what it made. */
  create: (lab: Lab, config: ClusterConfig, work: Work) => Promise<string>;
  /** Mends what an existing cluster has lost: nodes that fail, the kubeconfig. Says what it did. */
  resume: (lab: Lab, work: Work) => Promise<string | undefined>;
  /** Where nodes can be stopped: has one fail, until `resume`. */
  failNode?: (lab: Lab, node: string, failure: NodeFailure) => Promise<void>;
  /** Where images are more than the bundle: builds those that are not there yet. Says what it did. */
  buildImages?: (bundle: Bundle, signal: AbortSignal) => Promise<string>;
  /**
   * Puts images on every node that pods can be scheduled on. May be called while `create` is at work: it waits for
   * the nodes. Nodes that have them are left alone.
   */
  loadImages: (lab: Lab, config: ClusterConfig, bundle: Bundle, work: Work) => Promise<string>;
  /** The fields in use that are accepted and have no effect, each with the reason. */
  withoutEffect?: (manifests: readonly Manifest[]) => Promise<string[]>;
  delete: (lab: Lab, signal: AbortSignal) => Promise<void>;
};
