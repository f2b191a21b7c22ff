// One outage of an arm: its change took all servers away, and they came back.
import type { History } from './events.ts';
import { between } from './marks.ts';
import { changeAskedMs, podsOf, SERVER_APP } from './pods.ts';
import { longestSilence, type Silence } from './silence.ts';

export type Outage = {
  silence: Silence;
  /** When a server was Ready for the first time since the change. */
  readyMs: number;
  /** From the last answer before the outage to Ready. */
  downMs: number;
  /** From Ready to the first answer; less than 0 when a client was there before the news; undefined: never. */
  recoveryMs: number | undefined;
};

/** @returns what was missing where there is none to be seen. */
export function outageOf(history: History, arm: string): Outage | { missing: string } {
  const changeMs = changeAskedMs(history, arm);
  if (changeMs === undefined) return { missing: 'nothing was done to the servers' };
  const readyAgain = podsOf(history, arm, SERVER_APP)
    .flatMap((pod) => pod.ready.map(({ fromMs }) => fromMs))
    .filter((atMs) => atMs > changeMs);
  if (readyAgain.length === 0) return { missing: 'no server was seen to get Ready again' };
  const readyMs = Math.min(...readyAgain);
  const part = { fromMs: changeMs, untilMs: between(history, '', 'end').untilMs };
  // A client that is answered again may be silent for another reason later.
  const silence = longestSilence(history, arm, part, { beganByMs: readyMs });
  if (silence === undefined) return { missing: 'no call was started' };
  return {
    silence,
    readyMs,
    downMs: readyMs - silence.fromMs,
    recoveryMs: silence.toMs === undefined ? undefined : silence.toMs - readyMs,
  };
}
