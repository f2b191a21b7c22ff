// What the parts of the kubelet share.
import type { Recorder } from '../events.ts';
import type { Addresses } from '../network/addresses.ts';
import type { Pod } from '../objects.ts';
import type { Store } from '../store.ts';
import type { Placement } from './field.ts';
import type { ImageStore } from './images.ts';
import type { Sweep } from './sweep.ts';
import type { Volumes } from './volumes.ts';
import type { Limiter } from './waiting.ts';

export type KubeletOptions = {
  store: Store;
  addresses: Addresses;
  images: ImageStore;
  /** For pods' folders: logs and volumes; each is removed with its pod. */
  dir: string;
  /** In the environment of every process, as GRPC_KIND_LAB_CLUSTER: orphans are found by it. */
  clusterId: string;
  /** Path of the bundled hook, see bundlePodSide. */
  preload: string;
  /** How long a pod waits for an answer, each of two times: 5 s unless given. */
  dns: { address: string; port: number; timeoutMs?: number };
  /** `ca` in PEM. */
  apiServer: { host: string; port: number; ca: string };
  tokenFor: (namespace: string, serviceAccount: string) => string;
  log: (text: string) => void;
};

export type KubeletContext = KubeletOptions & {
  events: Recorder;
  sweep: Sweep;
  /** Processes that are being started: more at a time would starve the supervisor. */
  starts: Limiter;
  /** Commands of probes and hooks, while they are being started. */
  execs: Limiter;
};

/** What a container knows of its pod. */
export type PodContext = {
  kubelet: KubeletContext;
  /** As it is now. */
  pod: () => Pod;
  placement: Placement;
  volumes: Volumes;
  dir: string;
  /** Something of its status has changed. */
  changed: () => void;
};
