import { formatDuration } from '../common/duration.ts';
import {
  type Call,
  callsOf,
  callsStartedIn,
  type History,
  leavingPodsOf,
  placesOf,
  startedMs,
  tookMs,
} from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count } from './words.ts';

/** From the last call that a pod answered to the next that another did, beside the time between any two calls. */
const MOVE_MS = 50;
/** What a busy machine does to calls shows in the client's own lateness about this time around. */
const AROUND_MS = 1000;

export type Move = {
  client: string;
  pod: string;
  lastThere: Call;
  /** The next that another pod answered; undefined when none did. */
  firstElsewhere: Call | undefined;
};

/** How each client that had a server on its node went on when the change took that one. */
export function movesOf(history: History, arm: string): Move[] {
  const { clients } = placesOf(history, arm);
  const ok = callsOf(history, arm)
    .filter((call) => call.code === 'OK' && call.pod !== undefined)
    .sort((a, b) => startedMs(a) - startedMs(b));
  return leavingPodsOf(history, arm).flatMap(({ pod, node }) =>
    clients
      .filter((client) => node !== undefined && client.node === node)
      .flatMap(({ client }) => {
        const own = ok.filter(({ source }) => source === client);
        const lastThere = own.findLast((call) => call.pod === pod);
        if (lastThere === undefined) return [];
        const firstElsewhere = own.find((call) => startedMs(call) > startedMs(lastThere) && call.pod !== pod);
        return [{ client, pod, lastThere, firstElsewhere }];
      }),
  );
}

export const moveMs = ({ lastThere, firstElsewhere }: Move): number | undefined =>
  firstElsewhere === undefined ? undefined : startedMs(firstElsewhere) - startedMs(lastThere);

/**
 * A client whose local pod is gone goes on elsewhere: the next call that succeeds is started no later than it would have
 * been anyway, and 50 ms. A client that was itself held up at that time is given as much longer.
 */
export function movedElsewhere(
  history: History,
  { arm, ratePerSecond, burst }: { arm: string; ratePerSecond: number; burst: number },
): Finding {
  const say = sayFor('moved-elsewhere', arm);
  const moves = movesOf(history, arm);
  if (moves.length === 0) return say.unknown('no client was answered by a pod on its node that was taken');
  const findings = moves.map((move) => {
    const took = moveMs(move);
    if (took === undefined) return { ok: false, message: `${move.client} was answered by no other pod` };
    const atMs = startedMs(move.lastThere);
    const around = callsStartedIn(history, arm, atMs - AROUND_MS, atMs + AROUND_MS).filter(
      ({ source }) => source === move.client,
    );
    const late = Math.max(0, ...around.map(({ lateMs }) => lateMs));
    const boundMs = (1000 * burst) / ratePerSecond + MOVE_MS + late;
    const slowest = Math.max(...around.map(tookMs));
    const message =
      `${move.client} went on elsewhere ${formatDuration(took)} after the last call on ${move.pod} ` +
      `(bound ${formatDuration(boundMs)}, slowest of ${count(around.length, 'call')} around it ${formatDuration(slowest)})`;
    return { ok: took <= boundMs, message };
  });
  const late = findings.filter(({ ok }) => !ok);
  return late.length > 0
    ? say.fail(late.map(({ message }) => message).join('; '))
    : say.pass(findings.map(({ message }) => message).join('; '));
}
