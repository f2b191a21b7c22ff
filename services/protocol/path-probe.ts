// The way of a call, tried layer by layer from where a client is.
import { z } from 'zod';

/** What is tried: the name, then every address that it has, and those that are given beside. */
export const PathProbeRequest = z.strictObject({
  /** Host of the client's target: a name, or an address. */
  host: z.string().min(1).max(253),
  port: z.int().min(1).max(65_535),
  /** Beside those that the name has: the pods that should be behind it, with the ports they should listen on. */
  further: z
    .array(z.strictObject({ address: z.string().min(1), port: z.int().min(1).max(65_535) }))
    .max(20)
    .default([]),
  /** Whether the client speaks TLS, and whom it trusts (PEM). */
  tls: z.strictObject({ ca: z.string().optional(), serverName: z.string().optional() }).optional(),
  /** Path of the method to call with an empty message; without it none is called. */
  method: z
    .string()
    .regex(/^\/[^/]+\/[^/]+$/, 'must be /package.Service/Method')
    .optional(),
  /** Of each step. */
  timeoutMs: z.number().positive().max(10_000).default(2000),
});
export type PathProbeRequest = z.input<typeof PathProbeRequest>;

/** What an address answered to the first bytes of HTTP/2 in the clear. `http1` is a server that knows HTTP/1.1 only. */
export const PREFACE_ANSWERS = ['http2', 'http1', 'tls', 'closed', 'silent', 'other'] as const;

/** How it went; `error` is the system's code (`ECONNREFUSED`, `ENOTFOUND`, `ETIMEDOUT`) or a message. */
const Tried = z.object({ ms: z.number(), error: z.string().optional() });
const Status = z.object({ code: z.string(), message: z.string().optional() });

export const AddressProbe = z.object({
  address: z.string(),
  port: z.int(),
  /** Whether the name has it; else it is one of those given beside. */
  ofName: z.boolean(),
  tcp: Tried,
  /** Left out where TCP did not connect. */
  preface: z.object({ saw: z.enum(PREFACE_ANSWERS), firstBytes: z.string().optional() }).optional(),
  /** Left out where TCP did not connect. Certificates are not verified, but `trusted` says how that would end. */
  tls: Tried.extend({
    alpn: z.string().optional(),
    trusted: z.string().optional(),
    subject: z.string().optional(),
    names: z.string().optional(),
    validTo: z.string().optional(),
  }).optional(),
  /** gRPC health by service name, "" being the whole server. */
  health: z.record(z.string(), Status.extend({ serving: z.string().optional() })).optional(),
  /** Services that the server's reflection lists. */
  reflection: z.object({ services: z.array(z.string()).optional(), error: Status.optional() }).optional(),
  /** The method, called with an empty message and a deadline of `timeoutMs`. */
  method: Status.extend({ ms: z.number(), pod: z.string().optional() }).optional(),
});
export type AddressProbe = z.infer<typeof AddressProbe>;

export const PathProbeAnswer = z.object({
  host: z.string(),
  port: z.int(),
  /** getaddrinfo, with search domains, as gRPC resolves. */
  lookup: Tried.extend({ addresses: z.array(z.string()) }),
  /** The same of a name that every cluster has: whether DNS answers at all. */
  control: Tried.extend({ name: z.string(), addresses: z.array(z.string()) }),
  /** What the pod's /etc/resolv.conf says; absent where there is none that can be read. */
  resolvConf: z
    .object({ nameservers: z.array(z.string()), search: z.array(z.string()), options: z.array(z.string()) })
    .optional(),
  addresses: z.array(AddressProbe),
});
export type PathProbeAnswer = z.infer<typeof PathProbeAnswer>;

/** Answer of GET /process: what a client's process suffers from. */
export const ProcessAnswer = z.object({
  uptimeMs: z.number(),
  /** CPU time that it used over the time it had, 1 being a whole core, since the last time it was asked. */
  cpuShare: z.number(),
  /** How late timers fired since the last time it was asked: an event loop that is blocked, or has no CPU. */
  eventLoopDelay: z.object({ p50Ms: z.number(), p99Ms: z.number(), maxMs: z.number() }),
  /** CPU limit of its control group, and how often it was held back; absent where it has none. */
  throttling: z
    .object({ limitCores: z.number().optional(), periods: z.number(), throttledPeriods: z.number() })
    .optional(),
  openFiles: z.object({ open: z.number(), limit: z.number().optional() }).optional(),
});
export type ProcessAnswer = z.infer<typeof ProcessAnswer>;
