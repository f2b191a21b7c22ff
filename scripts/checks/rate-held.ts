import { formatDuration } from '../common/duration.ts';
import { clientsOf, eventsOf, type History } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, listOf } from './words.ts';

/** Least share of the calls that were due that a client must have started. */
const MIN_STARTED = 0.99;

/**
 * No more than one call in a hundred may be started later than this: a client that starves on a busy machine is not
 * alone in that, and calls that then run out of time say nothing of gRPC. (Half of the default deadline.)
 */
const MAX_P99_LATENESS_MS = 1000;

/** Every client started the calls that were due, about when they were due: the load was what it was said to be. */
export function rateHeld(
  history: History,
  { arm, ratePerSecond }: { arm: string; ratePerSecond: number },
): Finding {
  const say = sayFor('rate-held', arm);
  const ends = eventsOf(history, 'workload-end').filter((end) => end.arm === arm);
  if (ends.length === 0) return say.unknown('no client told how its work ended');
  const silent = clientsOf(history, arm).filter((client) => !ends.some((end) => end.source === client));
  if (silent.length > 0) return say.unknown(`${listOf(silent)} did not tell how the work ended`);

  const slow = ends.filter(
    ({ status }) => status.started < status.due * MIN_STARTED || status.lateness.p99Ms > MAX_P99_LATENESS_MS,
  );
  if (slow.length > 0) {
    const clients = slow.map(
      ({ source, status }) =>
        `${source} started ${status.started} of ${count(status.due, 'call')} that were due, ` +
        `one in a hundred more than ${formatDuration(status.lateness.p99Ms)} late`,
    );
    return say.unknown(`the client could not keep ${count(ratePerSecond, 'call')}/s: ${listOf(clients)}`);
  }
  const started = ends.reduce((sum, { status }) => sum + status.started, 0);
  const latest = Math.max(...ends.map(({ status }) => status.lateness.p99Ms));
  return say.pass(`${count(started, 'call')} started when due, 99 of 100 within ${latest.toFixed(1)}ms`);
}
