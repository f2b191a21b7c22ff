// Hand-written histories of a pod without calls whose readiness is probed, and which says NOT_SERVING for a while.
import type { ClusterEvent, EndpointsSeen, FaultMark, HistoryEvent } from '../../scripts/history/index.ts';
import { mark, podSeen } from './history.ts';

export const FROM_MS = 24_000;
export const TO_MS = 34_000;
export const END_MS = 44_000;
const READY_MS = 3000;

export type Probed = {
  arm: string;
  /** Always; never; as it says; only now and then. */
  ready: 'always' | 'never' | 'follows';
  /** What the kubelet says of a probe that fails; none: it says nothing. */
  failure?: string;
  /** How long the script took, each time. */
  tookMs?: number[];
};

/** Without marks, for several arms are one run. */
export function probed({ arm, ready, failure, tookMs }: Probed): HistoryEvent[] {
  const pod = `server-${arm}`;
  const spans: [number, boolean][] =
    ready === 'never'
      ? []
      : [
          [READY_MS, true],
          ...(ready === 'follows'
            ? ([
                [FROM_MS + 1000, false],
                [TO_MS + 1000, true],
              ] as [number, boolean][])
            : []),
        ];
  const seen = (atMs: number, isReady: boolean) => [
    podSeen(pod, atMs, { arm, ip: '10.0.0.1', ready: isReady }),
    listed(arm, pod, atMs + 50, isReady),
  ];
  return [
    ...seen(500, false),
    ...spans.flatMap(([atMs, isReady]) => seen(atMs, isReady)),
    ...(failure === undefined
      ? []
      : [1, 2, 3].map((count) => said(arm, pod, 5000 + count * 1000, count, failure))),
    ...(['inject-asked', 'inject-done'] as const).map((phase) => faultMark(arm, pod, phase, FROM_MS)),
    ...(['heal-asked', 'heal-done'] as const).map((phase) => faultMark(arm, pod, phase, TO_MS)),
    ...(tookMs === undefined
      ? []
      : [
          {
            type: 'health-probe' as const,
            arm,
            source: pod,
            atMs: 20_000,
            runs: tookMs.map((ms) => ({ ms, code: 0 })),
          },
        ]),
  ];
}

export const MARKS = [
  mark('start', 0),
  mark('baseline', 12_000),
  mark('not-serving', FROM_MS),
  mark('not-serving over', TO_MS),
  mark('healed', TO_MS),
  mark('end', END_MS),
];

const said = (arm: string, pod: string, atMs: number, count: number, message: string): ClusterEvent => ({
  type: 'cluster-event',
  source: 'driver',
  arm,
  pod,
  atMs,
  count,
  severity: 'Warning',
  reason: 'Unhealthy',
  message: `Readiness probe failed: ${message}`,
});

const listed = (arm: string, pod: string, atMs: number, ready: boolean): EndpointsSeen => ({
  type: 'endpoints',
  source: 'driver',
  arm,
  atMs,
  service: `greeter-headless-${arm}`,
  slice: 'abc',
  endpoints: [{ ip: '10.0.0.1', pod, ready, serving: ready, terminating: false }],
});

const faultMark = (arm: string, pod: string, phase: FaultMark['phase'], atMs: number): FaultMark => ({
  type: 'fault',
  source: 'driver',
  arm,
  fault: 'not-serving',
  phase,
  detail: '',
  pods: [pod],
  atMs,
});
