// What the lab asks of greeter-client and greeter-server pods, as functions.
import type {
  AttemptCounts,
  DnsProbeAnswer,
  DnsProbeRequest,
  DnsWatchRequest,
  HealthProbeAnswer,
  HealthProbeRequest,
  SocketsAnswer,
  TcpProbeAnswer,
  TcpProbeRequest,
  TimeAnswer,
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

/** Has the client ask its resolver for a name, once. */
export const probeDns = (
  proxy: PodProxy,
  client: string,
  request: DnsProbeRequest,
): Promise<DnsProbeAnswer> => proxy.json(client, { method: 'POST', path: '/probes/dns', body: request });

/** Has the client open a TCP connection and close it. */
export const probeTcp = (
  proxy: PodProxy,
  client: string,
  request: TcpProbeRequest,
): Promise<TcpProbeAnswer> => proxy.json(client, { method: 'POST', path: '/probes/tcp', body: request });

/** What a server got so far, by client. */
export const readCounters = (proxy: PodProxy, server: string): Promise<Record<string, AttemptCounts>> =>
  proxy.json(server, { path: '/counters' });

/** The TCP connections of a pod, as its kernel has them. */
export const readSockets = (proxy: PodProxy, pod: string): Promise<SocketsAnswer> =>
  proxy.json(pod, { path: '/sockets' });

/** The CPU time that a pod's process has used since it started, in milliseconds. */
export const readCpuMs = async (proxy: PodProxy, pod: string): Promise<number> =>
  (await proxy.json<TimeAnswer>(pod, { path: '/time' })).cpuMs;
/** Runs a server's health-probe script in its pod. */
export const runHealthProbe = (
  proxy: PodProxy,
  server: string,
  request: HealthProbeRequest,
): Promise<HealthProbeAnswer> =>
  proxy.json(server, { method: 'POST', path: '/health-probe', body: request, timeoutMs: 60_000 });
