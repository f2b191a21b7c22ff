// What a run's charts are drawn from, gathered in one pass over its events: a history of a million calls is never held
// in memory. Calls are counted in small bins by when they were started, which are joined when the length of the run is
// known.
import { quantileSorted } from 'simple-statistics';
import {
  type Call,
  type History,
  type HistoryEvent,
  type PodSeen,
  SERVER_APP,
  startedMs,
} from '../../history/index.ts';
import type { Cell, Happened } from './figure.ts';

export type PodSeries = {
  pod: string;
  node: string | null;
  /** It came after the arm's first fault. */
  isNew: boolean;
  /** Calls that it answered. */
  perSecond: number[];
  /** Open connections; null before it told any. */
  connections: Cell[];
};

export type ArmSeries = {
  arm: string;
  /** In the order in which they were first seen. */
  pods: PodSeries[];
  /** Calls a second that no pod answered. */
  unanswered: number[];
  /** From the intended start of a call to its end, in milliseconds; null where none was started. */
  latency: { p50: Cell[]; p90: Cell[]; p99: Cell[]; max: Cell[] };
  failures: { code: string; perSecond: number[] }[];
  happened: Happened[];
};

export type ChartData = {
  /** The beginning of each bin, in seconds since the first part of the run began. */
  timesS: number[];
  binS: number;
  arms: ArmSeries[];
};

const SMALL_BIN_MS = 250;
/** More than this cannot be told apart in a chart as wide as a screen. */
const MOST_BINS = 150;

/**
 * @param batches the events of a run in order.
 * @param arms in the order in which they are to be shown.
 */
export async function chartDataOf(
  batches: Iterable<History> | AsyncIterable<History>,
  arms: readonly string[],
): Promise<ChartData> {
  const gathered = new Map(arms.map((arm) => [arm, gatherArm()]));
  /** Arms that call the servers of another one, by that one. */
  const callers = new Map<string, string[]>();
  const parts: { name: string; atMs: number }[] = [];
  let firstMs = Number.POSITIVE_INFINITY;
  let lastMs = Number.NEGATIVE_INFINITY;
  const see = (event: HistoryEvent) => {
    if (event.type === 'mark') parts.push({ name: event.name, atMs: event.atMs });
    if (event.type === 'call') {
      firstMs = Math.min(firstMs, startedMs(event));
      lastMs = Math.max(lastMs, startedMs(event));
    }
    if (event.type === 'shared-servers')
      callers.set(event.serversOf, [...(callers.get(event.serversOf) ?? []), event.arm]);
    if (!('arm' in event) || event.arm === undefined) return;
    gathered.get(event.arm)?.see(event);
    // Connections are told of all callers together: they are of the servers' own arm alone.
    if (event.type === 'pod' || event.type === 'fault')
      for (const arm of callers.get(event.arm) ?? []) gathered.get(arm)?.see(event);
  };
  for await (const batch of batches) for (const event of batch) see(event);
  const beganMs = Math.min(firstMs, parts[0]?.atMs ?? Number.POSITIVE_INFINITY);
  const endMs = parts.find(({ name }) => name === 'end')?.atMs ?? lastMs;
  if (!Number.isFinite(beganMs) || endMs <= beganMs) return { timesS: [], binS: 1, arms: [] };

  const joined = Math.ceil((endMs - beganMs) / SMALL_BIN_MS / MOST_BINS);
  const bins: Bins = {
    first: Math.floor(beganMs / SMALL_BIN_MS),
    joined: niceWidth(joined),
    // The last one is left out where the run ended within it.
    count: Math.max(1, Math.floor((endMs - beganMs) / SMALL_BIN_MS / niceWidth(joined))),
    beganMs,
  };
  const binS = (bins.joined * SMALL_BIN_MS) / 1000;
  const shown = parts.filter(({ name }) => name !== 'end' && name !== 'change' && !name.endsWith(' over'));
  const ofRun = shown.map(
    ({ name, atMs }): Happened => ({
      kind: 'part',
      label: name,
      text: name,
      fromS: since(bins, atMs),
      untilS: null,
    }),
  );
  return {
    binS,
    timesS: Array.from({ length: bins.count }, (_, index) => round(index * binS)),
    arms: [...gathered].map(([arm, gatherer]) => {
      const series = gatherer.series(bins);
      return { arm, ...series, happened: [...ofRun, ...series.happened] };
    }),
  };
}

type Bins = {
  /** Number of the first small bin. */
  first: number;
  /** Small bins in each. */
  joined: number;
  count: number;
  beganMs: number;
};

/** Widths in small bins that are read easily: 250 ms, 500 ms, 1 s, 2 s, 5 s, … */
const niceWidth = (least: number): number =>
  [1, 2, 4, 8, 20, 40, 80, 120, 240].find((width) => width >= least) ?? Math.ceil(least / 240) * 240;

const binOf = (atMs: number): number => Math.floor(atMs / SMALL_BIN_MS);
const since = ({ beganMs }: Bins, atMs: number): number => round((atMs - beganMs) / 1000);
const round = (value: number): number => Math.round(value * 1000) / 1000;

type Counted = Map<number, number>;

type PodGathered = {
  pod: string;
  node: string | null;
  firstSeenMs: number;
  readyMs: number | undefined;
  leavingMs: number | undefined;
  answered: Counted;
  connections: Counted;
};

function gatherArm() {
  const pods = new Map<string, PodGathered>();
  const unanswered: Counted = new Map();
  const failures = new Map<string, Counted>();
  const latencies = new Map<number, number[]>();
  const faults: { label: string; text: string; askedMs: number; healedMs: number | undefined }[] = [];
  let changedMs = Number.POSITIVE_INFINITY;

  const podNamed = (pod: string, atMs: number): PodGathered => {
    const known = pods.get(pod);
    if (known) return known;
    const made: PodGathered = {
      pod,
      node: null,
      firstSeenMs: atMs,
      readyMs: undefined,
      leavingMs: undefined,
      answered: new Map(),
      connections: new Map(),
    };
    pods.set(pod, made);
    return made;
  };
  const seeCall = (call: Call) => {
    const bin = binOf(startedMs(call));
    if (call.pod === undefined) add(unanswered, bin);
    else add(podNamed(call.pod, call.atMs).answered, bin);
    const latency = latencies.get(bin);
    if (latency) latency.push(call.latencyMs);
    else latencies.set(bin, [call.latencyMs]);
    if (call.code === 'OK') return;
    const ofCode = failures.get(call.code) ?? new Map();
    failures.set(call.code, ofCode);
    add(ofCode, bin);
  };
  const seePod = (seen: PodSeen) => {
    if (seen.app !== SERVER_APP) return;
    const pod = podNamed(seen.pod, seen.atMs);
    pod.firstSeenMs = Math.min(pod.firstSeenMs, seen.atMs);
    pod.node ??= seen.node ?? null;
    if (seen.ready) pod.readyMs ??= seen.atMs;
    if (seen.terminating || seen.deleted) pod.leavingMs ??= seen.atMs;
  };

  return {
    see(event: HistoryEvent): void {
      if (event.type === 'call') seeCall(event);
      if (event.type === 'pod') seePod(event);
      if (event.type === 'counters' && event.connections !== undefined)
        podNamed(event.source, event.atMs).connections.set(binOf(event.atMs), event.connections.open);
      if (event.type !== 'fault') return;
      if (event.phase === 'inject-asked') {
        changedMs = Math.min(changedMs, event.atMs);
        faults.push({ label: event.fault, text: event.detail, askedMs: event.atMs, healedMs: undefined });
      }
      if (event.phase === 'heal-done') {
        const healed = faults.findLast((fault) => fault.text === event.detail);
        if (healed) healed.healedMs = event.atMs;
      }
    },
    series(bins: Bins): Omit<ArmSeries, 'arm'> {
      const all = [...pods.values()].sort((a, b) => a.firstSeenMs - b.firstSeenMs);
      const sorted = joinedLatencies(latencies, bins);
      const at = (share: number) =>
        sorted.map((values) => (values.length === 0 ? null : round(quantileSorted(values, share))));
      return {
        pods: all.map(({ pod, node, firstSeenMs, answered, connections }) => ({
          pod,
          node,
          isNew: firstSeenMs > changedMs,
          perSecond: perSecond(answered, bins),
          connections: lastKnown(connections, bins),
        })),
        unanswered: perSecond(unanswered, bins),
        latency: { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) },
        failures: [...failures].map(([code, counted]) => ({ code, perSecond: perSecond(counted, bins) })),
        happened: [
          ...faults.map(
            ({ label, text, askedMs, healedMs }): Happened => ({
              kind: 'fault',
              label,
              text,
              fromS: since(bins, askedMs),
              untilS: healedMs === undefined ? null : since(bins, healedMs),
            }),
          ),
          ...all
            .filter(({ firstSeenMs, readyMs }) => firstSeenMs > changedMs && readyMs !== undefined)
            .map(({ pod, readyMs = 0 }) => moment('ready', `${pod} Ready`, since(bins, readyMs))),
          ...all
            .filter(({ leavingMs = 0 }) => leavingMs > changedMs)
            .map(({ pod, leavingMs = 0 }) => moment('leaving', `${pod} leaving`, since(bins, leavingMs))),
        ],
      };
    },
  };
}

const moment = (kind: Happened['kind'], text: string, fromS: number): Happened => ({
  kind,
  label: kind,
  text,
  fromS,
  untilS: null,
});

function add(counted: Counted, bin: number): void {
  counted.set(bin, (counted.get(bin) ?? 0) + 1);
}

function perSecond(counted: Counted, { first, joined, count }: Bins): number[] {
  const sums = new Array<number>(count).fill(0);
  for (const [bin, calls] of counted) {
    const index = Math.floor((bin - first) / joined);
    if (index >= 0 && index < count) sums[index] = (sums[index] ?? 0) + calls;
  }
  return sums.map((calls) => round((calls * 1000) / (joined * SMALL_BIN_MS)));
}

/** A value stands until the next one is told. */
function lastKnown(counted: Counted, { first, joined, count }: Bins): Cell[] {
  const told = [...counted].sort(([a], [b]) => a - b);
  let next = 0;
  let value: Cell = null;
  const lastTold = Math.floor(((told.at(-1)?.[0] ?? first) - first) / joined);
  return Array.from({ length: count }, (_, index) => {
    while (next < told.length && Math.floor(((told[next]?.[0] ?? 0) - first) / joined) <= index) {
      value = told[next]?.[1] ?? null;
      next += 1;
    }
    return index > lastTold ? null : value;
  });
}

/** Those of each bin, sorted; as numbers of their own type they are sorted without being compared one by one. */
function joinedLatencies(
  latencies: ReadonlyMap<number, number[]>,
  { first, joined, count }: Bins,
): number[][] {
  return Array.from({ length: count }, (_, index) => {
    const from = first + index * joined;
    const small = Array.from({ length: joined }, (_unused, offset) => latencies.get(from + offset) ?? []);
    return [...Float64Array.from(small.flat()).sort()];
  });
}
