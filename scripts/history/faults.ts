// When a fault was there, and on which pods.
import { eventsOf, type History } from './events.ts';

export type FaultSpan = {
  pods: readonly string[];
  /** It was asked for, and it was there. */
  askedMs: number;
  injectedMs: number;
  /** It was asked to end, and it was over; Infinity when it never was. */
  healAskedMs: number;
  healedMs: number;
};

/** An arm's fault of that name; undefined when it was never there. */
export function faultSpan(history: History, arm: string, fault: string): FaultSpan | undefined {
  const marks = eventsOf(history, 'fault').filter((mark) => mark.arm === arm && mark.fault === fault);
  const at = (phase: string) => marks.find((mark) => mark.phase === phase);
  const [asked, injected] = [at('inject-asked'), at('inject-done')];
  if (asked === undefined || injected === undefined) return undefined;
  return {
    pods: asked.pods ?? [],
    askedMs: asked.atMs,
    injectedMs: injected.atMs,
    healAskedMs: at('heal-asked')?.atMs ?? Number.POSITIVE_INFINITY,
    healedMs: at('heal-done')?.atMs ?? Number.POSITIVE_INFINITY,
  };
}
