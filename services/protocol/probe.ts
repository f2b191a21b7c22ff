import { z } from 'zod';

/** Ask the pod's resolver for a name, once. */
export const DnsProbeRequest = z.strictObject({
  name: z.string().min(1),
  /** `lookup` is getaddrinfo, with search domains, as grpc-js resolves; the others ask for one record type. */
  type: z.enum(['lookup', 'A', 'AAAA', 'SRV', 'TXT']).default('lookup'),
  /** `given`: records as the resolver has them, as often as it has them, which is what a channel gets. */
  order: z.enum(['sorted', 'given']).default('sorted'),
});
export type DnsProbeRequest = z.input<typeof DnsProbeRequest>;
export type DnsProbeAnswer = { ms: number; records: string[] } | { ms: number; error: string };

/** Ask for a name again and again; the agent's event stream tells each change of the answer. */
export const DnsWatchRequest = z.strictObject({
  name: z.string().min(1),
  intervalMs: z.number().min(50).default(250),
});
export type DnsWatchRequest = z.input<typeof DnsWatchRequest>;

/** Open a TCP connection from the pod and close it. */
export const TcpProbeRequest = z.strictObject({
  host: z.string().min(1),
  port: z.int().min(1).max(65_535),
  timeoutMs: z.number().positive().max(60_000).default(2000),
});
export type TcpProbeRequest = z.input<typeof TcpProbeRequest>;
export type TcpProbeAnswer =
  | { ms: number; connected: true }
  | { ms: number; connected: false; error: string };

/** Answer of GET /sockets: the TCP connections of the pod, its own control endpoint's left out. */
export type SocketsAnswer = {
  /** By state, as the kernel names them: `{ ESTABLISHED: 3, TIME_WAIT: 12 }`. */
  states: Record<string, number>;
  /** Each connection that is not listening: local and remote port, remote address, state. At most 2 000. */
  connections: { localPort: number; remoteAddress: string; remotePort: number; state: string }[];
  /** First and last port that the kernel gives to outgoing connections. */
  portRange: [number, number] | null;
  /** Resident memory of the process. Not told by images of an earlier version. */
  residentBytes?: number;
  /** Of a client: its open channels, and the connections that they have, each once, as gRPC's channelz counts them. */
  channelz?: { channels: number; connections: number };
};

/** Run a server's health-probe script, as its exec probe does. */
export const HealthProbeRequest = z.strictObject({
  times: z.int().min(1).max(20).default(1),
  /** That the script takes beside asking. */
  workMs: z.int().min(0).max(60_000).default(0),
});
export type HealthProbeRequest = z.input<typeof HealthProbeRequest>;
/** Each run from its start to its end; without a code a signal ended it. */
export type HealthProbeAnswer = { runs: { ms: number; code: number | null }[] };
