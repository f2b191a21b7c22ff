import { median } from 'simple-statistics';
import { formatDuration } from '../common/duration.ts';
import {
  type Call,
  callsOf,
  callsStartedIn,
  connectionsOf,
  endedMs,
  type History,
  leavingPodsOf,
  placesOf,
  startedMs,
  tookMs,
} from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count } from './words.ts';

/** From the failure of the connection to the first call elsewhere; between calls more time may pass. */
const MOVE_MS = 50;
/** What a busy machine does to calls shows in this time around: in the client's own lateness, in what others' calls take. */
const AROUND_MS = 1000;
/** A connection's end and an answer on it are told by different clocks of one process. */
const CLOCKS_MS = 50;

export type Move = {
  client: string;
  pod: string;
  /** When the client lost its connection to the pod; undefined when nobody saw it. */
  failedMs: number | undefined;
  /** What its calls took before, as a median. */
  usualMs: number;
  /** The first call that it started after that and another pod answered; undefined when none did. */
  firstElsewhere: Call | undefined;
};

/** How each client that had a server on its node went on when the change took that one. */
export function movesOf(history: History, arm: string): Move[] {
  const { clients } = placesOf(history, arm);
  const connections = connectionsOf(history, arm);
  const ok = callsOf(history, arm)
    .filter((call) => call.code === 'OK' && call.pod !== undefined)
    .sort((a, b) => startedMs(a) - startedMs(b));
  return leavingPodsOf(history, arm).flatMap(({ pod, node }) =>
    clients
      .filter((client) => node !== undefined && client.node === node)
      .flatMap(({ client }) => {
        const own = ok.filter(({ source }) => source === client);
        const there = own.filter((call) => call.pod === pod);
        if (there.length === 0) return [];
        const lastThereMs = Math.max(...there.map(endedMs));
        const lost = connections
          .filter((connection) => connection.client === client)
          .flatMap(({ leftMs }) => leftMs ?? [])
          .filter((leftMs) => leftMs > lastThereMs - CLOCKS_MS);
        const failedMs = lost.length > 0 ? Math.min(...lost) : undefined;
        const afterMs = failedMs ?? lastThereMs;
        const firstElsewhere = own.find((call) => startedMs(call) > afterMs && call.pod !== pod);
        const usualMs = median(there.map(tookMs));
        return [{ client, pod, failedMs, usualMs, firstElsewhere }];
      }),
  );
}

/** From the failure to the first call elsewhere; undefined where one of the two was not seen. */
export const moveMs = ({ failedMs, firstElsewhere }: Move): number | undefined =>
  firstElsewhere === undefined || failedMs === undefined ? undefined : startedMs(firstElsewhere) - failedMs;

/**
 * A client whose local pod is gone goes on elsewhere: of the calls that it starts after it lost the connection, one that
 * succeeds is started within 50 ms, or is the first one due; and it takes no more than 50 ms longer than calls did
 * before, as it does not wait for a connection. A client that was itself held up at that time is given as much longer,
 * and a call as much as those of the arm's other clients take, who lost nothing.
 */
export function movedElsewhere(
  history: History,
  { arm, ratePerSecond, burst }: { arm: string; ratePerSecond: number; burst: number },
): Finding {
  const say = sayFor('moved-elsewhere', arm);
  const moves = movesOf(history, arm);
  if (moves.length === 0) return say.unknown('no client was answered by a pod on its node that was taken');
  const unseen = moves.find(({ failedMs }) => failedMs === undefined);
  if (unseen) return say.unknown(`nobody saw ${unseen.client} lose its connection to ${unseen.pod}`);
  const findings = moves.map((move) => {
    const took = moveMs(move);
    if (took === undefined) return { ok: false, message: `${move.client} was answered by no other pod` };
    const atMs = move.failedMs ?? 0;
    const around = callsStartedIn(history, arm, atMs - AROUND_MS, atMs + AROUND_MS);
    const [own, others] = [
      around.filter(({ source }) => source === move.client),
      around.filter(({ source }) => source !== move.client),
    ];
    const late = Math.max(0, ...own.map(({ lateMs }) => lateMs));
    const boundMs = Math.max(MOVE_MS, (1000 * burst) / ratePerSecond) + late;
    const answerMs = move.firstElsewhere === undefined ? 0 : tookMs(move.firstElsewhere);
    const answerBoundMs = MOVE_MS + late + Math.max(move.usualMs, ...others.map(tookMs));
    const message =
      `${move.client} went on elsewhere ${formatDuration(took)} after it lost ${move.pod} (bound ` +
      `${formatDuration(boundMs)}), and was answered in ${formatDuration(answerMs)} (bound ` +
      `${formatDuration(answerBoundMs)}: before it took ${formatDuration(move.usualMs)}, of ` +
      `${count(others.length, 'call')} of others around it the slowest ${formatDuration(Math.max(0, ...others.map(tookMs)))})`;
    return { ok: took <= boundMs && answerMs <= answerBoundMs, message };
  });
  const late = findings.filter(({ ok }) => !ok);
  return late.length > 0
    ? say.fail(late.map(({ message }) => message).join('; '))
    : say.pass(findings.map(({ message }) => message).join('; '));
}
