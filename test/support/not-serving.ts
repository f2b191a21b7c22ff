// Hand-written histories of a server that says NOT_SERVING for a while: its endpoint, and who calls it.
import type { EndpointsSeen, FaultMark, HistoryEvent } from '../../scripts/history/index.ts';
import { historyOf, mark, type PodScript, servers } from './history.ts';

/** One fault after the other, each from then to then. */
export const FAULTS = { service: [10_000, 25_500], whole: [41_000, 49_000] } as const;
export type FaultName = keyof typeof FAULTS;
export const END_MS = 53_000;
export const SICK = 'server-1';

export type Sick = {
  arm: string;
  /** Faults upon which its endpoint is not ready; how long that takes, and how long it takes to be ready again. */
  leaves?: readonly FaultName[];
  leavesAfterMs?: number;
  backAfterMs?: number;
  /** Faults upon which it is not called; likewise. */
  uncalled?: readonly FaultName[];
  uncalledAfterMs?: number;
  calledAfterMs?: number;
};

const COUNT = 3;

/** Without marks, for several arms are one run. */
export function sick(options: Sick): HistoryEvent[] {
  const { arm, leaves = [], uncalled = [], leavesAfterMs = 500, backAfterMs = 500 } = options;
  const { uncalledAfterMs = 4000, calledAfterMs = 5000 } = options;
  const isCalled = ({ pod }: PodScript, atMs: number) =>
    pod !== SICK ||
    !uncalled.some(
      (fault) => atMs > FAULTS[fault][0] + uncalledAfterMs && atMs < FAULTS[fault][1] + calledAfterMs,
    );
  const client = `client-${arm}`;
  const all = servers(COUNT, { readyAtMs: 0 });
  const base = historyOf({
    arm,
    clients: [client],
    ratePerSecond: 40,
    untilMs: END_MS,
    changeMs: FAULTS.service[0],
    pods: all,
    choose: (_, called, atMs) => called.filter((pod) => isCalled(pod, atMs)),
  }).filter(({ type }) => type !== 'endpoints' && type !== 'fault');
  const endpoints = [
    listed(arm, 100, true, all),
    ...leaves.flatMap((fault) => [
      listed(arm, FAULTS[fault][0] + leavesAfterMs, false, all),
      listed(arm, FAULTS[fault][1] + backAfterMs, true, all),
    ]),
  ];
  const faults = Object.entries(FAULTS).flatMap(([fault, [fromMs, toMs]]) => [
    faultMark(arm, fault, 'inject-asked', fromMs - 20),
    faultMark(arm, fault, 'inject-done', fromMs),
    faultMark(arm, fault, 'heal-asked', toMs - 20),
    faultMark(arm, fault, 'heal-done', toMs),
  ]);
  return [...base, ...endpoints, ...faults].sort((a, b) => a.atMs - b.atMs);
}

export const MARKS = [
  mark('baseline', 2000),
  mark('service', FAULTS.service[0]),
  mark('service over', FAULTS.service[1] - 20),
  mark('whole', FAULTS.whole[0]),
  mark('whole over', FAULTS.whole[1] - 20),
  mark('end', END_MS),
];

const faultMark = (arm: string, fault: string, phase: FaultMark['phase'], atMs: number): FaultMark => ({
  type: 'fault',
  source: 'driver',
  arm,
  fault,
  phase,
  detail: '',
  pods: [SICK],
  atMs,
});

const listed = (
  arm: string,
  atMs: number,
  isSickReady: boolean,
  all: readonly PodScript[],
): EndpointsSeen => ({
  type: 'endpoints',
  source: 'driver',
  arm,
  atMs,
  service: `greeter-headless-${arm}`,
  slice: 'abc',
  endpoints: all.map(({ pod, ip }) => ({
    ip,
    pod,
    ready: pod !== SICK || isSickReady,
    serving: pod !== SICK || isSickReady,
    terminating: false,
  })),
});
