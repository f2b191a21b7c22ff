// The load of a stage: started at random moments, stopped in the end with all records in hand.
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { PodProxy } from '../cluster/index.ts';
import { nowMs } from '../common/clock.ts';
import { waitFor } from '../common/wait.ts';
import { CLIENT_APP, type PodSeen, SERVER_APP } from '../history/index.ts';
import { changeWorkload, type Recorder, startWorkload, stopWorkload, watchDns } from '../workload/index.ts';
import type { Stage } from './stage.ts';

type Options = {
  recorder: Recorder;
  proxy: PodProxy;
  podsOf: (arm: string, app: string) => PodSeen[];
  arms: readonly string[];
  seed: number;
  signal: AbortSignal;
  /** Something is missing from here on. */
  lost: (arm: string, what: string, error: unknown) => void;
};

const DNS_TIMEOUT_MS = 120_000;
/** Records come within a tenth of a second; this is for a client that cannot be heard for a while. */
const RECORDS_TIMEOUT_MS = 15_000;

export function workloadsOn({ recorder, proxy, podsOf, arms, seed, signal, lost }: Options) {
  const running: { arm: string; pod: string; deadlineMs: number }[] = [];

  /** Pods are Ready before DNS knows them; a channel that resolves in between would stay with what it got. */
  const allInDns = (arm: string, client: string) =>
    waitFor(
      `the servers of ${arm} in DNS`,
      async () => {
        const servers = podsOf(arm, SERVER_APP);
        const answer = recorder.dnsAnswer(client);
        const missing = servers.filter(({ ip }) => ip === undefined || !answer.includes(ip)).length;
        return missing === 0
          ? { done: undefined }
          : { waiting: `${missing} of ${servers.length} are missing` };
      },
      { timeoutMs: DNS_TIMEOUT_MS, intervalMs: 100, signal },
    );
  const allTold = (client: string, arm: string, calls: number) =>
    waitFor(
      `the records of ${client}`,
      async () => {
        const told = recorder.callsFrom(client, arm);
        return told >= calls ? { done: undefined } : { waiting: `${told} of ${calls} calls` };
      },
      { timeoutMs: RECORDS_TIMEOUT_MS, intervalMs: 50, signal },
    );
  /** One client of an arm watches: the answer is the same for all, and each question costs CPU. */
  const watch = async (arm: string, name: string): Promise<string | undefined> => {
    const [watcher] = podsOf(arm, CLIENT_APP);
    if (watcher) await watchDns(proxy, watcher.pod, { name });
    return watcher?.pod;
  };

  return {
    watchDns: async (arm: string, name: string): Promise<void> => {
      await watch(arm, name);
    },
    start: async (...[workloadOf, { spreadMs, dnsName }]: Parameters<Stage['startWorkloads']>) => {
      const loaded = arms.flatMap((arm) => {
        const workload = workloadOf(arm);
        return workload === undefined ? [] : [{ arm, workload }];
      });
      await Promise.all(
        loaded.map(async ({ arm }) => {
          const name = dnsName?.(arm);
          if (name === undefined) return;
          const watcher = await watch(arm, name);
          if (watcher !== undefined) await allInDns(arm, watcher);
        }),
      );
      const beganMs = nowMs();
      const clients = loaded.flatMap(({ arm, workload }) =>
        podsOf(arm, CLIENT_APP).map(({ pod }) => ({ arm, workload, pod })),
      );
      await Promise.all(
        clients.map(async ({ arm, workload, pod }, index) => {
          const startMs = spreadMs * random(seed, index);
          await delay(Math.max(0, beganMs + startMs - nowMs()), undefined, { signal });
          await startWorkload(proxy, pod, { ...workload, id: arm });
          running.push({ arm, pod, deadlineMs: workload.deadlineMs ?? 0 });
        }),
      );
      await delay(Math.max(0, beganMs + spreadMs - nowMs()), undefined, { signal });
    },
    change: async (changeOf: Parameters<Stage['changeWorkloads']>[0]): Promise<void> => {
      await Promise.all(
        running.map(async ({ arm, pod }) => {
          const change = changeOf(arm);
          if (change !== undefined) await changeWorkload(proxy, pod, arm, change);
        }),
      );
    },
    /** Ends all that was started, with a mark of how it did. */
    stop: async (): Promise<void> => {
      await Promise.all(
        running.map(async ({ arm, pod, deadlineMs }) => {
          try {
            const status = await stopWorkload(proxy, pod, arm, deadlineMs);
            recorder.note({ type: 'workload-end', arm, status, atMs: nowMs(), source: pod });
            await allTold(pod, arm, status.ended);
          } catch (error) {
            lost(arm, `${pod} did not say how its work ended`, error);
          }
        }),
      );
    },
  };
}

/** From 0 to 1; the same for the same seed and index, on any machine. */
function random(seed: number, index: number): number {
  return createHash('sha256').update(`${seed}/${index}`).digest().readUInt32BE() / 2 ** 32;
}
