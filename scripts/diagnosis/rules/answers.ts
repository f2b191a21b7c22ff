// Which pods a client's calls go to, by what it counted and by its connections.
import { type PodView, type ServiceView, type Situation, startedMs } from '../situation/index.ts';

export type Answers = {
  /** The client's pod. */
  client: string;
  policy: string;
  /** Milliseconds since the epoch: pods that were Ready by then were there when it began; those that came later, it has to find. */
  settledMs: number;
  /** OK answers of each of the Service's Ready pods. */
  byPod: Map<PodView, number>;
  total: number;
  /** Its established connections, by the pod that they lead to. */
  connections: Map<PodView, number>;
};

/** Pods that are Ready within this time of each other came together. */
const TOGETHER_MS = 5000;

/** Of each client that tells; nothing where none of its answers is of the Service. */
export function answersOf({ agents, nowMs }: Situation, { pods }: ServiceView): Answers[] {
  const ready = pods.filter((pod) => pod.ready);
  return agents.flatMap(({ pod: client, workloads, sockets }) =>
    workloads
      .filter(({ status }) => status.running)
      .flatMap((workload) => {
        const told = workload.status.pods;
        const byPod = new Map(ready.map((pod) => [pod, told[pod.name] ?? 0]));
        const total = [...byPod.values()].reduce((sum, answers) => sum + answers, 0);
        if (total === 0) return [];
        const established = (sockets?.connections ?? []).filter(({ state }) => state === 'ESTABLISHED');
        const connections = new Map(
          ready.map((pod) => [
            pod,
            established.filter(({ remoteAddress }) => pod.ips.includes(remoteAddress)).length,
          ]),
        );
        const { spec } = workload;
        const firstBusyMs = Math.min(...ready.flatMap((pod) => (byPod.get(pod) ? [pod.changedMs ?? 0] : [])));
        const settledMs = Math.max(startedMs(workload, nowMs), firstBusyMs) + TOGETHER_MS;
        return [{ client, policy: spec.policy, settledMs, byPod, total, connections }];
      }),
  );
}

const LATELY_MS = 5 * 60_000;

/**
 * Lines that a pod's program has written in the last minutes, by their times; undefined where its log was not read or
 * its lines have no times. A program that logs its requests shows by it that it gets some.
 */
export function linesLately(
  { nowMs }: Situation,
  { logs }: PodView,
  timeIn: (line: string) => number | undefined,
): number | undefined {
  const current = logs.filter(({ previous }) => !previous);
  if (current.length === 0) return undefined;
  return current
    .flatMap(({ lines }) => lines)
    .filter((line) => nowMs - (timeIn(line) ?? Number.NEGATIVE_INFINITY) <= LATELY_MS).length;
}
