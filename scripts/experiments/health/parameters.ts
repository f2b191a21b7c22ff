// The parameters of a health run: defaults that depend on each other, and what is refused.
import { SEEING_EVEN_MS } from '../../history/index.ts';
import { SLACK_MS, scaleOutBoundMs } from '../dns-period.ts';
import { burstFor } from '../load.ts';

export type Options = {
  servers: number;
  rate: number;
  maxConnectionAge: number | 'off';
  dnsFloor: number;
  probePeriod: number;
  deadline: number;
  warmup: number;
  seed: number;
};

export type FaultName = 'service' | 'whole';

export type Parameters = {
  /** Of each arm. */
  servers: number;
  ratePerSecond: number;
  burst: number;
  /** Of the servers of one arm; undefined: off. */
  maxConnectionAgeMs: number | undefined;
  dnsFloorMs: number;
  probePeriodSeconds: number;
  /** Longest from what a server says of its health to its endpoint's readiness. */
  endpointBoundMs: number;
  /** Longest from there to the client whose connections age. */
  clientBoundMs: number;
  deadlineMs: number;
  startSpreadMs: number;
  warmupMs: number;
  baselineMs: number;
  /** How long each fault lasts, and what is observed after it. */
  faultMs: Record<FaultName, number>;
  healedMs: Record<FaultName, number>;
  seed: number;
};

/** For shares to be seen. */
const SEEING_MS = 5000;

export function parametersOf(options: Options): Parameters {
  const maxConnectionAgeMs = options.maxConnectionAge === 'off' ? undefined : options.maxConnectionAge;
  const endpointBoundMs = options.probePeriod * 1000 + SLACK_MS;
  const clientBoundMs = scaleOutBoundMs({ maxConnectionAgeMs, dnsFloorMs: options.dnsFloor });
  return {
    servers: options.servers,
    ratePerSecond: options.rate,
    burst: burstFor(options.rate),
    maxConnectionAgeMs,
    dnsFloorMs: options.dnsFloor,
    probePeriodSeconds: options.probePeriod,
    endpointBoundMs,
    clientBoundMs,
    deadlineMs: options.deadline,
    startSpreadMs: 1000,
    warmupMs: options.warmup,
    baselineMs: SEEING_EVEN_MS + 1000,
    // No client of the second fault goes away from the pod: no connection ages where the probe sees it.
    faultMs: { service: endpointBoundMs + clientBoundMs + SEEING_MS, whole: endpointBoundMs + SEEING_MS },
    healedMs: { service: endpointBoundMs + clientBoundMs + SEEING_MS, whole: endpointBoundMs + 1000 },
    seed: options.seed,
  };
}
