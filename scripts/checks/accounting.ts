// Accounts for every attempt: what clients say they sent against what servers say they got.
//
// An answered call is known to both sides: by its pod, its client and the number of attempts before it. An attempt
// that ended without an answer may or may not have reached a handler, so a server may know of more than was
// answered, up to a bound. What a pod counted after its last report, or had counted when it restarted, is lost:
// the calls of that time may or may not be in its counts.
import {
  type Call,
  type Counters,
  callsOf,
  clientsOf,
  endedMs,
  eventsOf,
  type History,
  podsOf,
  SERVER_APP,
  type Span,
  serverArmOf,
  startedMs,
} from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { MAX_CLOCK_ERROR_MS } from './history-complete.ts';
import { count, listOf } from './words.ts';

type Params = {
  arm: string;
  /** Most attempts that a call may make: 1 without a retry policy. */
  maxAttempts: number;
  /** Attempts are hedged: those that came before the one that was answered do not tell how many there were. */
  hedging?: boolean;
};

/**
 * Servers got every attempt that they answered, and no more than clients can have made. What does not add up makes
 * the run's numbers untrustworthy, so it is `unknown`, never `fail`.
 */
export function accounting(history: History, { arm, maxAttempts, hedging = false }: Params): Finding {
  const say = sayFor('accounting', arm);
  const ledgers = ledgersOf(history, arm);
  const calls = callsOf(history, arm);
  const answeringPods = new Set(calls.flatMap(({ pod }) => (pod === undefined ? [] : [pod])));
  const servers = podsOf(history, arm, SERVER_APP).filter((life) => life.readyAtMs !== undefined);
  const silent = new Set([...answeringPods, ...servers.map(({ pod }) => pod)]).difference(ledgers);
  if (silent.size > 0) return say.unknown(`no counts came from ${listOf([...silent])}`);
  if (calls.length === 0) return say.unknown('no call was made');

  const clients = new Set([...clientsOf(history, arm), ...[...ledgers.values()].flatMap(clientsIn)]);
  const byClient = Map.groupBy(calls, (call) => call.source);
  const balances = [...clients].map((client): Balance => {
    const callsOfClient = byClient.get(client) ?? [];
    return {
      client,
      pods: [...ledgers].map(([pod, ledger]) => balanceOf(pod, ledger, client, callsOfClient)),
      mayBeUnanswered: mayBeUnanswered(history, { arm, maxAttempts, hedging }, client, callsOfClient),
    };
  });

  const problems = balances.flatMap(problemsOf);
  if (problems.length > 0) return say.unknown(`the run's numbers cannot be trusted: ${listOf(problems)}`);
  const pods = balances.flatMap((balance) => balance.pods);
  const attempts = sum(pods.map((pod) => sum(pod.started)));
  const answers = sum(pods.map((pod) => sum(pod.answered) + pod.uncertain));
  return say.pass(
    `${count(ledgers.size, 'server')} got ${count(attempts, 'attempt')}, clients got ${count(answers, 'answer')}; ` +
      `at most ${count(sum(balances.map((b) => b.mayBeUnanswered ?? 0)), 'attempt')} can have ended without one`,
  );
}

/** What a pod counted, over all its restarts, and the times of which its counts are lost. */
type Ledger = { started: Map<string, number[]>; lost: Span[] };

type PodBalance = {
  pod: string;
  /** Attempts that the pod got from the client, by the number of attempts before. */
  started: number[];
  /** Answers that the client got from the pod and that the pod must have counted, likewise. */
  answered: number[];
  /** Answers that the pod may have counted. */
  uncertain: number;
};

type Balance = {
  client: string;
  pods: PodBalance[];
  /** Most attempts that can have ended without an answer; undefined when the client did not tell. */
  mayBeUnanswered: number | undefined;
};

function ledgersOf(history: History, arm: string): Map<string, Ledger> {
  const serverArm = serverArmOf(history, arm);
  const reports = eventsOf(history, 'counters').filter((counters) => counters.arm === serverArm);
  const byPod = Map.groupBy(reports, (counters) => counters.source);
  return new Map([...byPod].map(([pod, ofPod]) => [pod, ledgerOf(ofPod, arm)]));
}

function ledgerOf(reports: readonly Counters[], arm: string): Ledger {
  const ledger: Ledger = { started: new Map(), lost: [] };
  for (const [index, report] of reports.entries()) {
    const next = reports[index + 1];
    const lastOfProcess = next === undefined || totalOf(next) < totalOf(report);
    if (!lastOfProcess) continue;
    addCounts(ledger.started, report, arm);
    if (!report.final) ledger.lost.push({ fromMs: report.atMs, toMs: next?.atMs });
  }
  return ledger;
}

const totalOf = (report: Counters): number =>
  sum(Object.values(report.clients).map((counts) => sum(counts.startedByPreviousAttempts)));

/** Adds what a process counted for the clients of an arm, whose workload id is the arm's name. */
function addCounts(started: Map<string, number[]>, report: Counters, arm: string): void {
  for (const [key, counts] of Object.entries(report.clients)) {
    if (!key.startsWith(`${arm}@`)) continue;
    const client = key.slice(arm.length + 1);
    started.set(client, addUp(started.get(client) ?? [], counts.startedByPreviousAttempts));
  }
}

const clientsIn = (ledger: Ledger): string[] => [...ledger.started.keys()];

function balanceOf(pod: string, ledger: Ledger, client: string, calls: readonly Call[]): PodBalance {
  const answered: number[] = [];
  let uncertain = 0;
  for (const call of calls) {
    if (call.pod !== pod) continue;
    if (ledger.lost.some((span) => touches(call, span))) {
      uncertain += 1;
    } else {
      const before = call.previousAttempts ?? 0;
      answered[before] = (answered[before] ?? 0) + 1;
    }
  }
  return { pod, started: ledger.started.get(client) ?? [], answered, uncertain };
}

/** Whether a call was under way in a span, as far as the clocks can tell. */
const touches = (call: Call, span: Span): boolean =>
  endedMs(call) > span.fromMs - MAX_CLOCK_ERROR_MS &&
  startedMs(call) < (span.toMs ?? Number.POSITIVE_INFINITY) + MAX_CLOCK_ERROR_MS;

function mayBeUnanswered(
  history: History,
  { arm, maxAttempts, hedging }: Required<Params>,
  client: string,
  calls: readonly Call[],
): number | undefined {
  const end = eventsOf(history, 'workload-end').find((event) => event.arm === arm && event.source === client);
  if (end === undefined) return calls.length === 0 ? 0 : undefined;
  const { started, ended, transparentRetries } = end.status;
  const beside = ({ pod, previousAttempts = 0 }: Call) => {
    if (pod === undefined) return maxAttempts;
    return hedging ? maxAttempts - 1 : previousAttempts;
  };
  return sum(calls.map(beside)) + (started - ended) * maxAttempts + transparentRetries;
}

function problemsOf({ client, pods, mayBeUnanswered }: Balance): string[] {
  if (mayBeUnanswered === undefined) return [`${client} did not tell how its work ended`];
  const short = pods.flatMap(({ pod, started, answered }) =>
    answered.flatMap((answers, before) => {
      const got = started[before] ?? 0;
      return got >= answers
        ? []
        : [`${pod} counted ${got} ${ordinal(before)} of ${client}, which got ${answers} answers`];
    }),
  );
  const surplus = pods.map(({ pod, started, answered, uncertain }) => ({
    pod,
    attempts: Math.max(0, sum(started) - sum(answered) - uncertain),
  }));
  const excess = sum(surplus.map(({ attempts }) => attempts));
  if (excess <= mayBeUnanswered) return short;
  const where = surplus
    .filter(({ attempts }) => attempts > 0)
    .map(({ pod, attempts }) => `${pod} ${attempts}`);
  return [
    ...short,
    `servers counted ${excess} attempts of ${client} beyond its answers (${listOf(where)}), ` +
      `at most ${mayBeUnanswered} can have ended without one`,
  ];
}

const ordinal = (previousAttempts: number): string =>
  previousAttempts === 0 ? 'first attempts' : `attempts after ${previousAttempts} others`;

const addUp = (a: readonly number[], b: readonly number[]): number[] =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, index) => (a[index] ?? 0) + (b[index] ?? 0));

/** Holes in a sparse array count nothing. */
const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);
