import {
  type Call,
  CLIENT_APP,
  callsOf,
  clientsOf,
  eventsOf,
  gapsOf,
  type History,
  podsOf,
  SERVER_APP,
  type WorkloadEnd,
} from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, listOf } from './words.ts';

/** Largest error of a pod's clock against the driver's with which times are still compared. */
export const MAX_CLOCK_ERROR_MS = 5;

type Params = {
  arm: string;
  /** How many client pods were told to work. */
  clients: number;
};

/** Nothing is missing that was there to be seen, and every clock is known well enough. */
export function historyComplete(history: History, { arm, clients }: Params): Finding {
  const say = sayFor('history-complete', arm);
  const names = clientsOf(history, arm);
  const calls = callsOf(history, arm);
  const clockErrors = clockErrorsOf(history, arm, names);
  const missing = [
    ...gapsOf(history, arm),
    ...(names.length < clients ? [`${names.length} of ${count(clients, 'client')} were heard of`] : []),
    ...restartsOf(history, names),
    ...missingCalls(history, arm, names, calls),
    ...clockProblems(clockErrors, names),
  ];
  if (missing.length > 0) return say.unknown(listOf(missing));
  const error = Math.max(...clockErrors.values());
  return say.pass(
    `all ${count(calls.length, 'call')} of ${count(names.length, 'client')} recorded; clocks known to ±${error.toFixed(1)}ms`,
  );
}

/** A client that restarted has forgotten what it had not told. Arms may share client pods. */
function restartsOf(history: History, clients: readonly string[]): string[] {
  const arms = new Set(eventsOf(history, 'pod').map((seen) => seen.arm));
  return [...arms]
    .flatMap((arm) => podsOf(history, arm, CLIENT_APP))
    .filter((life) => clients.includes(life.pod) && life.restarts > 0)
    .map((life) => `${life.pod} restarted (${count(life.restarts, 'time')})`);
}

/** Every client's calls are numbered from 0 and must all be there once, as many as it says have ended. */
function missingCalls(
  history: History,
  arm: string,
  clients: readonly string[],
  calls: readonly Call[],
): string[] {
  const ends = eventsOf(history, 'workload-end').filter((end) => end.arm === arm);
  const byClient = Map.groupBy(calls, (call) => call.source);
  return clients.flatMap((client) => {
    const end = ends.find(({ source }) => source === client);
    if (end === undefined) return [`${client} did not tell how its work ended`];
    return miscounted(end, byClient.get(client) ?? []);
  });
}

function miscounted({ source, status }: WorkloadEnd, calls: readonly Call[]): string[] {
  const numbers = new Set(calls.map((call) => call.seq));
  const inRange = calls.every((call) => call.seq < status.ended);
  const problems = [];
  if (status.inFlight > 0) problems.push(`${count(status.inFlight, 'call')} of ${source} had not ended`);
  if (numbers.size < calls.length)
    problems.push(`${source} told ${count(calls.length - numbers.size, 'call')} twice`);
  if (numbers.size !== status.ended || !inRange) {
    problems.push(`${source} ended ${count(status.ended, 'call')}, ${numbers.size} were recorded`);
  }
  return problems;
}

/** The best bound on each pod's clock: clocks do not drift by milliseconds in a run. */
function clockErrorsOf(history: History, arm: string, clients: readonly string[]): Map<string, number> {
  const pods = new Set([...clients, ...podsOf(history, arm, SERVER_APP).map(({ pod }) => pod)]);
  const best = new Map<string, number>();
  for (const { source, errorMs } of eventsOf(history, 'clock')) {
    if (pods.has(source)) best.set(source, Math.min(errorMs, best.get(source) ?? Number.POSITIVE_INFINITY));
  }
  return best;
}

function clockProblems(errors: ReadonlyMap<string, number>, clients: readonly string[]): string[] {
  const unmeasured = clients.filter((client) => !errors.has(client));
  const vague = [...errors].filter(([, errorMs]) => errorMs > MAX_CLOCK_ERROR_MS);
  return [
    ...unmeasured.map((client) => `the clock of ${client} was never measured`),
    ...vague.map(
      ([pod, ms]) =>
        `the clock of ${pod} is known to ±${ms.toFixed(1)}ms only, ${MAX_CLOCK_ERROR_MS}ms are needed`,
    ),
  ];
}
