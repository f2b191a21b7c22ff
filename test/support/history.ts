// Hand-written histories: clients call pods at a rate, and everything else that a run would tell adds up.
// Times are milliseconds from 0; a test tampers with the one thing that it is about.
import type {
  Call,
  ClockMeasured,
  Counters,
  DnsAnswer,
  EndpointsSeen,
  FaultMark,
  HistoryEvent,
  Mark,
  PodSeen,
  Resolved,
  WorkloadEnd,
} from '../../scripts/history/index.ts';
import { CLIENT_APP, SERVER_APP } from '../../scripts/history/index.ts';

export const ARM = 'treatment';
export const CHANGE_MS = 10_000;
export const END_MS = 60_000;

export type PodScript = {
  pod: string;
  ip: string;
  readyAtMs: number;
  terminatingAtMs?: number;
  goneAtMs?: number;
  /** From when to when clients call it, one time for all of them or by client. Default: while it is Ready. */
  calledFromMs?: number | Record<string, number>;
  calledUntilMs?: number;
  /** Default: `worker`. */
  node?: string;
  zone?: string;
};

export type Script = {
  pods: readonly PodScript[];
  arm?: string;
  clients?: readonly string[];
  ratePerSecond?: number;
  changeMs?: number;
  untilMs?: number;
  /** Nodes of clients, by their names. */
  clientNodes?: Readonly<Record<string, string>>;
  /** Which of the pods that it could call a client deals its calls to; none: the call fails. Default: all. */
  choose?: (client: string, called: readonly PodScript[], atMs: number) => readonly PodScript[];
  /** Changes a call before servers count it and clients sum up. */
  tamper?: (call: Call) => Call;
};

const CLIENTS = ['client-1', 'client-2'];

/** `server-1` … with addresses 10.0.0.1 …, numbered from `first`. */
export const servers = (howMany: number, rest: Omit<PodScript, 'pod' | 'ip'>, first = 1): PodScript[] =>
  Array.from({ length: howMany }, (_, i) => ({
    pod: `server-${first + i}`,
    ip: `10.0.0.${first + i}`,
    ...rest,
  }));

/** Five pods from the beginning, five more that are Ready 2 s after the change and called `waitMs` later. */
export const scaleOut = (waitMs: number | undefined, rest: Partial<Script> = {}): HistoryEvent[] =>
  historyOf({
    pods: [
      ...servers(5, { readyAtMs: 0 }),
      ...servers(5, { readyAtMs: 12_000, calledFromMs: waitMs === undefined ? END_MS : 12_000 + waitMs }, 6),
    ],
    ...rest,
  });

/** Ten pods, of which five terminate 1 s after the change, are called for `lateMs` more, and are gone at 20 s. */
export const scaleIn = (lateMs: number, rest: Partial<Script> = {}): HistoryEvent[] =>
  historyOf({
    pods: [
      ...servers(5, { readyAtMs: 0 }),
      ...servers(
        5,
        { readyAtMs: 0, terminatingAtMs: 11_000, goneAtMs: 20_000, calledUntilMs: 11_000 + lateMs },
        6,
      ),
    ],
    ...rest,
  });

/** The whole history of a script, in order of time. */
export function historyOf(script: Script): HistoryEvent[] {
  const { arm = ARM, clients = CLIENTS, changeMs = CHANGE_MS, untilMs = END_MS } = script;
  const calls = callsOfScript(script).map(script.tamper ?? ((call) => call));
  return [
    ...clients.map((client) => clock(client)),
    ...clients.map((client) => clientPod(client, arm, script.clientNodes?.[client])),
    fault(changeMs, arm),
    ...script.pods.flatMap((pod) => [...podEvents(pod, arm), ...resolutions(pod, arm, clients)]),
    ...listings(script, arm),
    ...calls,
    ...summary(calls, script, arm, clients, untilMs),
  ].sort((a, b) => a.atMs - b.atMs);
}

/** A call that ended 2 ms after it was due; `answer` says otherwise. */
export const call = (seq: number, atMs: number, answer: Partial<Call> = {}): Call => ({
  type: 'call',
  arm: ARM,
  source: 'client-1',
  seq,
  atMs,
  lateMs: 0,
  latencyMs: 2,
  code: 'OK',
  ...answer,
});

/** The same call, failed without an answer. */
export function unanswered(call: Call, code = 'UNAVAILABLE', message = 'Connection dropped'): Call {
  const { pod, previousAttempts, ...rest } = call;
  return { ...rest, code, message };
}

/** The history with some events changed; those for which nothing is returned are left out. */
export const edit = (
  history: readonly HistoryEvent[],
  change: (event: HistoryEvent) => HistoryEvent | undefined,
): HistoryEvent[] => history.flatMap((event) => change(event) ?? []);

export const fault = (atMs: number, arm = ARM): FaultMark => ({
  type: 'fault',
  source: 'driver',
  atMs,
  arm,
  fault: 'scale',
  phase: 'inject-asked',
  detail: '',
});

export const mark = (name: string, atMs: number): Mark => ({ type: 'mark', source: 'driver', name, atMs });

export const podSeen = (pod: string, atMs: number, seen: Partial<PodSeen> = {}): PodSeen => ({
  type: 'pod',
  source: 'driver',
  atMs,
  arm: ARM,
  app: SERVER_APP,
  pod,
  phase: 'Running',
  ready: true,
  terminating: false,
  deleted: false,
  restarts: 0,
  ...seen,
});

export const counters = (
  pod: string,
  atMs: number,
  clients: Record<string, number[]>,
  final = true,
  arm = ARM,
): Counters => ({
  type: 'counters',
  source: pod,
  atMs,
  arm,
  final,
  clients: Object.fromEntries(
    Object.entries(clients).map(([client, startedByPreviousAttempts]) => {
      const ok = startedByPreviousAttempts.reduce((sum, n) => sum + n, 0);
      return [`${arm}@${client}`, { startedByPreviousAttempts, ok, failed: 0 }];
    }),
  ),
});

export const clock = (source: string, errorMs = 1): ClockMeasured => ({
  type: 'clock',
  source,
  atMs: 0,
  offsetMs: 0,
  errorMs,
});

export const workloadEnd = (
  source: string,
  atMs: number,
  calls: number,
  status: Partial<WorkloadEnd['status']> = {},
  arm = ARM,
): WorkloadEnd => ({
  type: 'workload-end',
  source,
  atMs,
  arm,
  status: {
    id: arm,
    running: false,
    due: calls,
    started: calls,
    ended: calls,
    inFlight: 0,
    codes: { OK: calls },
    failures: [],
    pods: {},
    latency: summaryOf(2),
    lateness: summaryOf(0.5),
    cpuMs: 1000,
    transparentRetries: 0,
    ...status,
  },
});

/** A latency distribution in which every value is about the same. */
export const summaryOf = (ms: number) => ({
  count: 1,
  p50Ms: ms,
  p90Ms: ms,
  p99Ms: ms,
  p999Ms: ms,
  maxMs: ms,
  encoded: '',
});

/** Each client deals its calls in turn to the pods that it calls at the time. */
function callsOfScript(script: Script): Call[] {
  const { arm = ARM, clients = CLIENTS, ratePerSecond = 200, untilMs = END_MS } = script;
  const periodMs = 1000 / ratePerSecond;
  return clients.flatMap((client) =>
    Array.from({ length: Math.floor(untilMs / periodMs) }, (_, seq) => {
      const atMs = seq * periodMs;
      const callable = script.pods.filter((pod) => isCalled(pod, client, atMs));
      const called = script.choose?.(client, callable, atMs) ?? callable;
      const chosen = called[seq % called.length];
      const made = call(seq, atMs, { arm, source: client });
      return chosen === undefined
        ? unanswered(made, 'UNAVAILABLE', 'No connection established')
        : { ...made, pod: chosen.pod, peer: `${chosen.ip}:50051`, previousAttempts: 0 };
    }),
  );
}

function isCalled(pod: PodScript, client: string, atMs: number): boolean {
  const { calledFromMs = pod.readyAtMs, calledUntilMs = pod.terminatingAtMs ?? Number.POSITIVE_INFINITY } =
    pod;
  const fromMs = typeof calledFromMs === 'number' ? calledFromMs : (calledFromMs[client] ?? pod.readyAtMs);
  return atMs >= fromMs && atMs < calledUntilMs;
}

const clientPod = (client: string, arm: string, node?: string): PodSeen =>
  podSeen(client, 0, { arm, app: CLIENT_APP, ...(node === undefined ? {} : { node }) });

function podEvents(
  { pod, ip, readyAtMs, terminatingAtMs, goneAtMs, node = 'worker' }: PodScript,
  arm: string,
): PodSeen[] {
  const created = podSeen(pod, Math.max(0, readyAtMs - 1500), { arm, phase: 'Pending', ready: false });
  const events = readyAtMs === 0 ? [] : [created];
  events.push(podSeen(pod, readyAtMs, { arm, ip, node }));
  if (terminatingAtMs !== undefined)
    events.push(podSeen(pod, terminatingAtMs, { arm, ip, terminating: true }));
  if (goneAtMs !== undefined) {
    events.push(podSeen(pod, goneAtMs, { arm, ip, ready: false, terminating: true, deleted: true }));
  }
  return events;
}

/** A client resolves 20 ms before it calls a pod for the first time. */
function resolutions(pod: PodScript, arm: string, clients: readonly string[]): Resolved[] {
  return clients.map((source) => {
    const { calledFromMs = pod.readyAtMs } = pod;
    const fromMs = typeof calledFromMs === 'number' ? calledFromMs : (calledFromMs[source] ?? pod.readyAtMs);
    const atMs = Math.max(0, fromMs - 20);
    return {
      type: 'resolved',
      source,
      atMs,
      arm,
      channel: 1,
      ok: true,
      detail: 'Address resolution succeeded',
    };
  });
}

/** A pod is in its EndpointSlice 100 ms after Ready and in DNS 300 ms after, and out likewise after terminating. */
function listings(script: Script, arm: string): (EndpointsSeen | DnsAnswer)[] {
  const { pods, clients = CLIENTS } = script;
  const changes = pods.flatMap((pod) => [pod.readyAtMs, pod.terminatingAtMs ?? pod.readyAtMs]);
  return [...new Set(changes)].flatMap((atMs) => {
    const listed = pods.filter(
      (pod) => pod.readyAtMs <= atMs && atMs < (pod.terminatingAtMs ?? Number.POSITIVE_INFINITY),
    );
    const slice: EndpointsSeen = {
      type: 'endpoints',
      source: 'driver',
      atMs: atMs + 100,
      arm,
      service: 'greeter-headless',
      slice: 'greeter-headless-abc',
      endpoints: listed.map(({ ip, pod, node, zone }) => ({
        ip,
        pod,
        ...(node === undefined ? {} : { node }),
        ...(zone === undefined ? {} : { zone }),
        ready: true,
        serving: true,
        terminating: false,
      })),
    };
    const answers = clients.map((source): DnsAnswer => {
      const records = listed.map(({ ip }) => ip).sort();
      return { type: 'dns', source, atMs: atMs + 300, arm, name: 'greeter-headless', records };
    });
    return [slice, ...answers];
  });
}

/** What servers counted and what clients say in the end, as the calls have it. */
function summary(
  calls: readonly Call[],
  script: Script,
  arm: string,
  clients: readonly string[],
  untilMs: number,
): (Counters | WorkloadEnd)[] {
  const counted = script.pods.map(({ pod }) => {
    const byClient = clients.map((client) => {
      const answered = calls.filter((made) => made.pod === pod && made.source === client);
      return [client, [answered.length]] satisfies [string, number[]];
    });
    return counters(pod, untilMs + 1000, Object.fromEntries(byClient), true, arm);
  });
  const ended = clients.map((client) => {
    const made = calls.filter(({ source }) => source === client).length;
    return workloadEnd(client, untilMs + 1000, made, {}, arm);
  });
  return [...counted, ...ended];
}
