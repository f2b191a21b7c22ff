// How long a scale-out takes to reach the slowest client, when clients find new pods by DNS and lose their connections
// to age: simulated, for the pieces are simple and their sum is not.
//
// A client has a connection to each pod. The server ends each when it is as old as the max age, give or take a jitter;
// the client connects again at once, and asks its resolver for addresses. That resolves now, or when the floor since
// it last did has passed. A new pod is found by the first resolution after it is in DNS.
import { quantileSorted } from 'simple-statistics';

export type Convergence = {
  /** Server replicas before, and how many come. */
  from: number;
  added: number;
  clients: number;
  /** Clients are started at random within this time. */
  startSpreadMs: number;
  /** From the start of the last client to the change. */
  settledMs: number;
  maxConnectionAgeMs: number;
  dnsFloorMs: number;
  /** Connections have been made anew so often that their ends are spread evenly. Default: all are new when a client starts. */
  aged?: boolean;
};

/** Milliseconds, with the share of simulated runs in which the slowest first call fell between them. */
export type Interval = { fromMs: number; toMs: number; coverage: number };

export const COVERAGE = 0.9;
/** Fewer where each is large: quantiles of hundreds are good enough, and nobody waits for more. */
const [LEAST_RUNS, MOST_RUNS] = [200, 1000];
const CONNECTIONS_SIMULATED = 100_000;

/** grpc-js, server.js: each connection's age is spread evenly by ±10 %. */
const AGE_JITTER = 0.1;
/**
 * What the lab's clusters do: pods of one scale-out get Ready within so long of each other; a pod is in its
 * EndpointSlice and in DNS so long after it is Ready, and 1 s later in about one addition of six, when the controller
 * has to try again (measured on kind); then a connection and a call.
 */
const READY_WITHIN_MS = [200, 3000] as const;
const LISTED_MS = [20, 250] as const;
const RETRY_SHARE = 1 / 6;
const RETRY_MS = 1000;
const CONNECT_MS = [5, 150] as const;
/** From the first pod's Ready until the last one is listed. */
const LONGEST_LISTING_MS = READY_WITHIN_MS[1] + LISTED_MS[1] + RETRY_MS;

/** Of the slowest client's first call on the slowest new pod, counted from that pod's Ready. The same for the same seed. */
export function predictSlowest(parameters: Convergence, seed = 1): Interval {
  const random = randomFrom(seed);
  const runs = CONNECTIONS_SIMULATED / (parameters.clients * parameters.from);
  const length = Math.round(Math.min(MOST_RUNS, Math.max(LEAST_RUNS, runs)));
  const waits = Array.from({ length }, () => slowestWait(parameters, random)).sort((a, b) => a - b);
  const tail = (1 - COVERAGE) / 2;
  return {
    fromMs: quantileSorted(waits, tail),
    toMs: quantileSorted(waits, 1 - tail),
    coverage: COVERAGE,
  };
}

function slowestWait(parameters: Convergence, random: Random): number {
  const { added, clients, startSpreadMs, settledMs } = parameters;
  const changeMs = startSpreadMs + settledMs;
  const within = (range: readonly [number, number]) => range[0] + random() * (range[1] - range[0]);
  const readyWithinMs = within(READY_WITHIN_MS);
  const pods = Array.from({ length: added }, () => {
    const readyMs = changeMs + random() * readyWithinMs;
    return { readyMs, listedMs: readyMs + within(LISTED_MS) + (random() < RETRY_SHARE ? RETRY_MS : 0) };
  });
  const allListedMs = Math.max(...pods.map(({ listedMs }) => listedMs));
  let slowest = 0;
  for (let client = 0; client < clients; client += 1) {
    const resolutions = resolutionsUntil(allListedMs, random() * startSpreadMs, parameters, random);
    for (const { readyMs, listedMs } of pods) {
      const foundMs = resolutions.find((atMs) => atMs >= listedMs) ?? Number.POSITIVE_INFINITY;
      slowest = Math.max(slowest, foundMs + within(CONNECT_MS) - readyMs);
    }
  }
  return slowest;
}

/** Connections that were made anew so often have forgotten when they began together. */
const AGES_TO_FORGET = 4;

/** When a client that starts at `startMs` resolves, around and up to the first time after `untilMs`. */
function resolutionsUntil(
  untilMs: number,
  startMs: number,
  { from, maxConnectionAgeMs, dnsFloorMs, aged = false }: Convergence,
  random: Random,
): number[] {
  const longestAgeMs = maxConnectionAgeMs * (1 + AGE_JITTER);
  if (dnsFloorMs >= longestAgeMs) {
    // There is always a loss within the floor: it resolves whenever the floor ends.
    const last = Math.max(0, Math.ceil((untilMs - startMs) / dnsFloorMs));
    const first = Math.max(0, last - Math.ceil(LONGEST_LISTING_MS / dnsFloorMs) - 1);
    return Array.from({ length: last - first + 1 }, (_, index) => startMs + (first + index) * dnsFloorMs);
  }
  const livedMs = untilMs - startMs;
  const forgotten = aged || livedMs > AGES_TO_FORGET * longestAgeMs;
  const beganMs = forgotten ? untilMs - Math.min(livedMs, 2 * longestAgeMs) : startMs;
  const age = () => maxConnectionAgeMs * (1 + AGE_JITTER * (2 * random() - 1));
  /** When each connection is lost next. */
  const losses = Array.from({ length: from }, () => beganMs + age() * (forgotten ? random() : 1));
  const resolutions = [beganMs];
  let lastMs = beganMs;
  while (lastMs < untilMs) {
    const lostMs = Math.min(...losses);
    // What is lost within the floor asks for the same resolution, at its end.
    const nextMs = Math.max(lostMs, lastMs + dnsFloorMs);
    for (const [index, atMs] of losses.entries()) {
      let next = atMs;
      while (next <= nextMs) next += age();
      losses[index] = next;
    }
    lastMs = nextMs;
    resolutions.push(nextMs);
  }
  return resolutions;
}

type Random = () => number;

/** From 0 to 1. Source: mulberry32, Tommy Ettinger, public domain. */
function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
