import { CLIENT_APP, eventsOf, type History } from '../history/index.ts';

/**
 * When, of the looks at the client's sockets in that time, one of them waited for an answer to its SYN. Whoever connects
 * to a pod that has just died may wait for an answer from nobody, until the kernel gives up after about two minutes.
 */
export function hangingAt(history: History, arm: string, fromMs: number, untilMs: number): HangingLooks {
  const looks = eventsOf(history, 'sockets').filter(
    ({ arm: of, app, atMs }) => of === arm && app === CLIENT_APP && atMs > fromMs && atMs < untilMs,
  );
  const hung = looks.filter(({ states }) => (states.SYN_SENT ?? 0) > 0).map(({ atMs }) => atMs);
  return {
    firstMs: hung[0],
    lastMs: hung.at(-1),
    atLast: hung.length > 0 && hung.at(-1) === looks.at(-1)?.atMs,
  };
}

export type HangingLooks = {
  firstMs: number | undefined;
  lastMs: number | undefined;
  /** Also when it was looked at last. */
  atLast: boolean;
};
