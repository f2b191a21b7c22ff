// What becomes of a connection that nobody calls on any more.
import { formatDuration } from '../common/duration.ts';
import { callsOf, endedMs, eventsOf, type History, serverArmOf } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count } from './words.ts';

/** Servers tell their connections once a second; the rest is for closing and telling. */
const TOLD_WITHIN_MS = 2000;
/** A pod's clock is not known better, and a timer may fire a little early. */
const EARLY_MS = 50;

type Watched = {
  arm: string;
  /** When clients were told to end: then they close what they have. */
  untilMs: number;
};

type Params = Watched & {
  /** From the last call to the closing of its connection. */
  fromMs: number;
  toMs: number;
};

/** The connection is closed within the predicted time after the last call. */
export function idleClosed(history: History, { arm, untilMs, fromMs, toMs }: Params): Finding {
  const say = sayFor('idle-closed', arm);
  const idle = idleTime(history, { arm, untilMs });
  if (typeof idle === 'string') return say.unknown(idle);
  const predicted = `predicted ${formatDuration(fromMs)} to ${formatDuration(toMs)}`;
  const { closedAfterMs, observedMs, open } = idle;
  if (closedAfterMs === undefined) {
    const message = `${count(open, 'connection')} still open ${formatDuration(observedMs)} after the last call, ${predicted}`;
    return observedMs < toMs + TOLD_WITHIN_MS ? say.unknown(message) : say.fail(message);
  }
  const message = `none was open ${formatDuration(closedAfterMs)} after the last call, ${predicted}`;
  const isInTime = closedAfterMs >= fromMs - EARLY_MS && closedAfterMs <= toMs + TOLD_WITHIN_MS;
  return isInTime ? say.pass(message) : say.fail(message);
}

/** The connection stays, at least for the time in which another would be closed. */
export function idleKept(history: History, { arm, untilMs, forMs }: Watched & { forMs: number }): Finding {
  const say = sayFor('idle-kept', arm);
  const idle = idleTime(history, { arm, untilMs });
  if (typeof idle === 'string') return say.unknown(idle);
  const { closedAfterMs, observedMs, open } = idle;
  if (closedAfterMs !== undefined)
    return say.fail(`the connection was closed ${formatDuration(closedAfterMs)} after the last call`);
  const message = `${count(open, 'connection')} still open ${formatDuration(observedMs)} after the last call`;
  return observedMs >= forMs ? say.pass(message) : say.unknown(`${message}, ${formatDuration(forMs)} asked`);
}

export type IdleTime = {
  /** Until the servers had no connection any more; undefined when they still had. */
  closedAfterMs: number | undefined;
  /** Until servers last told of their connections. */
  observedMs: number;
  /** Connections that they had then. */
  open: number;
};

/** From an arm's last call on; a reason, where it cannot be told. */
export function idleTime(history: History, { arm, untilMs }: Watched): IdleTime | string {
  const calls = callsOf(history, arm);
  if (calls.length === 0) return 'no call was made';
  const lastMs = Math.max(...calls.map(endedMs));
  const serverArm = serverArmOf(history, arm);
  const told = eventsOf(history, 'counters').flatMap((event) =>
    event.arm === serverArm && event.atMs < untilMs && event.connections !== undefined
      ? [{ pod: event.source, atMs: event.atMs, open: event.connections.open }]
      : [],
  );
  const before = told.filter(({ atMs }) => atMs <= lastMs + TOLD_WITHIN_MS);
  if (!before.some(({ open }) => open > 0)) return 'no connection was seen while calls were made';
  const open = new Map<string, number>();
  let closedAtMs: number | undefined;
  for (const each of told) {
    open.set(each.pod, each.open);
    const none = [...open.values()].every((n) => n === 0);
    if (!none) closedAtMs = undefined;
    else if (each.atMs > lastMs) closedAtMs ??= each.atMs;
  }
  return {
    closedAfterMs: closedAtMs === undefined ? undefined : closedAtMs - lastMs,
    observedMs: Math.max(...told.map(({ atMs }) => atMs)) - lastMs,
    open: [...open.values()].reduce((sum, n) => sum + n, 0),
  };
}
