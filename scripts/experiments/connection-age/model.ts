// From what was measured to the user's own numbers: what an age costs there, and how soon it finds a new pod. A model,
// not a measurement.

import { type Convergence, predictSlowest } from '../convergence.ts';
import { AGE_JITTER, SLACK_MS } from '../dns-period.ts';

/** What was measured here, on this machine's cores, client and server together. */
export type Cost = {
  /** CPU of a call, in milliseconds. */
  perCallMs: number;
  /** CPU that it takes to make a connection anew, in milliseconds. */
  perConnectionMs: number;
};

export type Yours = {
  replicas: number;
  clients: number;
  ratePerSecond: number;
  /** Least time between two DNS resolutions of a client's channel. */
  dnsFloorMs: number;
  targetMs: number;
};

export type Recommendation = {
  /** Below it reconnecting costs more than `MOST_SHARE` of what the calls cost. */
  leastAgeMs: number;
  /** Above it the slowest client may take longer than the target; 0 where the floor alone does. */
  mostAgeMs: number;
};

/** More of the CPU of calls is not worth the sooner a new pod is called. */
export const MOST_SHARE = 0.01;
/** A connection that lives shorter than this serves few calls before its GOAWAY. */
const LEAST_AGE_MS = 1000;

/** Connections of all clients that are made anew, a second. */
export const reconnectsPerSecond = (
  ageMs: number,
  { replicas, clients }: Pick<Yours, 'replicas' | 'clients'>,
) => (1000 * replicas * clients) / ageMs;

/** What reconnecting costs, as a share of what the calls cost. */
export const cpuShare = (ageMs: number, yours: Yours, { perCallMs, perConnectionMs }: Cost): number =>
  (reconnectsPerSecond(ageMs, yours) * perConnectionMs) / (yours.clients * yours.ratePerSecond * perCallMs);

export function recommend(yours: Yours, cost: Cost): Recommendation {
  // The share is inverse to the age.
  const leastAgeMs = Math.max(LEAST_AGE_MS, cpuShare(1, yours, cost) / MOST_SHARE);
  const periodMs = yours.targetMs - SLACK_MS;
  return { leastAgeMs, mostAgeMs: periodMs < yours.dnsFloorMs ? 0 : periodMs / (1 + AGE_JITTER) };
}

/** Source of the fleet: one that is large, and that nobody has on a laptop. */
export const FLEET = { clients: 1000, pods: 100 } as const;

/** grpc-js resolves by getaddrinfo, which asks for A and AAAA; the first search domain of a Service's short name answers. */
const QUERIES_PER_RESOLUTION = 2;
/** Of the fleet that are simulated: the slowest of a thousand is as near to the end of the period as that of a hundred. */
const SIMULATED_CLIENTS = 100;

export type FleetRow = {
  ageMs: number;
  dnsFloorMs: number;
  reconnectsPerSecond: number;
  dnsQueriesPerSecond: number;
  slowestMs: number;
  cores: number;
};

/** What an age and a floor would mean to a fleet of 1 000 clients and 100 pods. */
export function fleetRow(ageMs: number, dnsFloorMs: number, { perConnectionMs }: Cost): FleetRow {
  const { clients, pods } = FLEET;
  const rate = reconnectsPerSecond(ageMs, { replicas: pods, clients });
  // With so many connections one is lost all the time: a client resolves as often as the floor lets it.
  const resolutionsPerSecond = clients / (Math.max(dnsFloorMs, ageMs / pods) / 1000);
  const parameters: Convergence = {
    from: pods,
    added: 1,
    clients: SIMULATED_CLIENTS,
    startSpreadMs: dnsFloorMs,
    settledMs: 0,
    maxConnectionAgeMs: ageMs,
    dnsFloorMs,
    aged: true,
  };
  return {
    ageMs,
    dnsFloorMs,
    reconnectsPerSecond: rate,
    dnsQueriesPerSecond: QUERIES_PER_RESOLUTION * resolutionsPerSecond,
    slowestMs: predictSlowest(parameters).toMs,
    cores: (rate * perConnectionMs) / 1000,
  };
}
