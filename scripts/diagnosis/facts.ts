// What a diagnosis rests on: plain data, gathered once, saved with the answer, and enough to come to it again.
import type {
  CoreV1Event,
  V1ConfigMap,
  V1Deployment,
  V1EndpointSlice,
  V1Namespace,
  V1NetworkPolicy,
  V1Node,
  V1Pod,
  V1ReplicaSet,
  V1Service,
  V1StatefulSet,
} from '@kubernetes/client-node';
import type {
  PathProbeAnswer,
  ProcessAnswer,
  SocketsAnswer,
  WorkloadSpec,
  WorkloadStatus,
} from '../../services/protocol/index.ts';
import type { Plain } from '../common/plain.ts';

/** What is asked: why do the calls of this client to this Service fail, or go where they should not? */
export type Question = {
  namespace: string;
  /** Undefined: what the client dials, by its own settings. */
  service?: string | undefined;
  client: { kind: 'Deployment' | 'StatefulSet' | 'DaemonSet'; name: string; namespace: string };
};

/** Objects as the API server has them, without managed fields; values of Secrets are never among them. */
export type ClusterObjects = {
  namespaces: Plain<V1Namespace>[];
  nodes: Plain<V1Node>[];
  /** Of the namespaces in question, and what serves the cluster's DNS. */
  services: Plain<V1Service>[];
  endpointSlices: Plain<V1EndpointSlice>[];
  deployments: Plain<V1Deployment>[];
  statefulSets: Plain<V1StatefulSet>[];
  replicaSets: Plain<V1ReplicaSet>[];
  pods: Plain<V1Pod>[];
  networkPolicies: Plain<V1NetworkPolicy>[];
  /** Those that the client's containers take settings from, and CoreDNS' own. */
  configMaps: Plain<V1ConfigMap>[];
  events: Plain<CoreV1Event>[];
};

/** Lines of a container's log, the newest last. */
export type Log = {
  namespace: string;
  pod: string;
  container: string;
  /** Of the container before its last restart. */
  previous: boolean;
  lines: string[];
  /** There were more, or longer ones, than are kept. */
  cut: boolean;
};

/** What the pods of a greeter-client tell of themselves; of other programs nothing can be had. */
export type ClientFacts = {
  pod: string;
  workloads: { spec: WorkloadSpec; status: WorkloadStatus }[];
  sockets?: SocketsAnswer | undefined;
  process?: ProcessAnswer | undefined;
};

/** The way of a call, tried from the client's pod, or from a probe pod beside it. */
export type Probe = { from: { pod: string; place: 'client' | 'probe-pod' }; answer: PathProbeAnswer };

/** Something that was not seen, and why: forbidden, not there, not asked for. */
export type Unseen = { what: string; why: string };

export type Facts = {
  version: 1;
  /** When they were gathered, ISO 8601. */
  at: string;
  question: Question;
  kubernetes?: string | undefined;
  objects: ClusterObjects;
  logs: Log[];
  clients: ClientFacts[];
  probes: Probe[];
  unseen: Unseen[];
};
