// What the lab asks of greeter-client and greeter-server pods, as functions.
import type {
  AttemptCounts,
  DnsWatchRequest,
  SocketsAnswer,
  WorkloadChange,
  WorkloadRequest,
  WorkloadStatus,
} from '../../services/protocol/index.ts';
import type { PodProxy } from '../cluster/index.ts';

export const startWorkload = (
  proxy: PodProxy,
  client: string,
  spec: WorkloadRequest,
): Promise<WorkloadStatus> => proxy.json(client, { method: 'POST', path: '/workloads', body: spec });

/** A workload that runs goes on in another way. */
export const changeWorkload = (
  proxy: PodProxy,
  client: string,
  id: string,
  change: WorkloadChange,
): Promise<WorkloadStatus> => proxy.json(client, { method: 'PATCH', path: `/workloads/${id}`, body: change });

/** Ends a workload: no new calls; answers when those in flight have ended. */
export const stopWorkload = (
  proxy: PodProxy,
  client: string,
  id: string,
  deadlineMs: number,
): Promise<WorkloadStatus> =>
  proxy.json(client, { method: 'DELETE', path: `/workloads/${id}`, timeoutMs: deadlineMs + 10_000 });

/** From now on the agent's events tell each change of the name's answer. */
export const watchDns = (proxy: PodProxy, client: string, request: DnsWatchRequest): Promise<unknown> =>
  proxy.json(client, { method: 'PUT', path: '/watches/dns', body: request });

/** What a server got so far, by client. */
export const readCounters = (proxy: PodProxy, server: string): Promise<Record<string, AttemptCounts>> =>
  proxy.json(server, { path: '/counters' });

/** The TCP connections of a pod, as its kernel has them. */
export const readSockets = (proxy: PodProxy, pod: string): Promise<SocketsAnswer> =>
  proxy.json(pod, { path: '/sockets' });
