// What a process is told about the pod that it is part of. Processes get it in one variable of the environment, which
// the program never sees; worker threads, whose environment is a copy of the program's, by Node's own way.
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';

export const POD_VARIABLE = 'GRPC_KIND_LAB_POD';
/** Left for the program to see, and for whoever looks for orphans in /proc/<pid>/environ. */
export const CONTAINER_VARIABLE = 'GRPC_KIND_LAB_CONTAINER';
export const CLUSTER_VARIABLE = 'GRPC_KIND_LAB_CLUSTER';
/** File descriptor on which a container's first process tells the kubelet what it does: a line for each event. */
export const NOTICES_FD = 3;

export type PodSide = {
  /** Path of the bundled hook. */
  preload: string;
  ip: string;
  /** What the pod calls 127.0.0.1. */
  loopback: string;
  /** `127.201.`: what the addresses of the cluster begin with. */
  prefix: string;
  hostname: string;
  /** As `options timeout:` of resolv.conf. */
  dns: { address: string; port: number; timeoutMs: number };
  /** Search domains, as in resolv.conf. */
  search: string[];
  /** Files and folders that programs see somewhere else than they are. */
  mounts: { path: string; to: string }[];
  /** Pid 1 of its container: ignores signals that it has no listener for, and tells the kubelet of its ports. */
  first: boolean;
  /** Folder for compiled code, so that the second pod of an image starts faster. */
  compileCache?: string;
};

/** @returns undefined in a process that is part of no pod. */
export function takePodSide(): PodSide | undefined {
  if (!isMainThread) return getEnvironmentData(POD_VARIABLE) as PodSide | undefined;
  const json = process.env[POD_VARIABLE];
  if (!json) return undefined;
  delete process.env[POD_VARIABLE];
  const config = JSON.parse(json) as PodSide;
  setEnvironmentData(POD_VARIABLE, config);
  return config;
}
