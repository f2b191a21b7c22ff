// The running arms of one experiment: set up, acted on, recorded, and always taken down again.
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  apply,
  armManifests,
  deleteRun,
  deploymentsReady,
  type Manifest,
  NAMESPACE,
  podProxy,
  RUN_LABEL,
  readToken,
  type StartedLab,
  statusOf,
} from '../cluster/index.ts';
import { nowMs } from '../common/clock.ts';
import { LabError, messageOf } from '../common/errors.ts';
import { waitFor } from '../common/wait.ts';
import type { Fault } from '../faults/index.ts';
import { CLIENT_APP, type FaultMark, type HistoryEvent, SERVER_APP } from '../history/index.ts';
import { readCounters, startRecorder, startWorkload, stopWorkload, watchDns } from '../workload/index.ts';
import type { ArmPlan, Stage } from './experiment.ts';

export type StageOptions = {
  lab: StartedLab;
  run: string;
  arms: readonly ArmPlan[];
  seed: number;
  onEvent: (event: HistoryEvent) => void;
  /** What the experiment is at, for people. */
  onPhase: (text: string) => void;
  signal: AbortSignal;
};

export type OpenStage = Stage & {
  manifests: Manifest[];
  /** Ends the workloads, asks everyone for their counts, and hands over the history. */
  close: () => Promise<HistoryEvent[]>;
};

/** How long a pod may take to get Ready, or to be gone, after it was asked to. */
const CHANGE_TIMEOUT_MS = 120_000;
/** Pods that have just started, and all that learn of them, take CPU for some seconds more. */
const SETTLE_MS = 5000;
/** Records come within a tenth of a second; this is for a client that cannot be heard for a while. */
const RECORDS_TIMEOUT_MS = 15_000;

/** Deploys the arms and starts to record. `cleanUp` takes all of it away again, also when this fails midway. */
export async function openStage(options: StageOptions): Promise<OpenStage> {
  const { lab, run, arms, signal, onPhase } = options;
  const { api } = lab;
  const selector = `${RUN_LABEL}=${run}`;
  const work = { say: () => {}, signal };
  const manifests = arms.flatMap((arm) => armManifests(lab.manifests, { ...arm, run }));
  onPhase(
    `deploying ${arms.map(({ name, servers, clients }) => `${name} (${servers} servers, ${clients} clients)`).join(' and ')}`,
  );
  await apply(api, manifests);
  await deploymentsReady(api, selector, work);

  const proxy = await podProxy(api.kubeConfig, await readToken(api));
  const recorder = await startRecorder(api, proxy, { run, onEvent: options.onEvent, signal });
  const armNames = arms.map(({ name }) => name);
  const podsOf = (arm: string, app: string) =>
    recorder
      .pods(arm, app)
      .filter(({ terminating }) => !terminating)
      .sort((a, b) => (a.pod < b.pod ? -1 : 1));
  const clients = () => armNames.flatMap((arm) => podsOf(arm, CLIENT_APP).map(({ pod }) => ({ arm, pod })));
  const mark = (name: string) => recorder.note({ type: 'mark', name, atMs: nowMs(), source: 'driver' });
  const markFault = (fault: Fault, phase: FaultMark['phase']) =>
    recorder.note({
      type: 'fault',
      fault: fault.name,
      arm: fault.arm,
      detail: fault.detail,
      phase,
      atMs: nowMs(),
      source: 'driver',
    });
  const injectAll = async (faults: readonly Fault[]) => {
    await Promise.all(
      faults.map(async (fault) => {
        markFault(fault, 'inject-asked');
        await fault.inject();
        markFault(fault, 'inject-done');
      }),
    );
  };
  const healAll = async (faults: readonly Fault[]) => {
    const healed = await Promise.allSettled(
      faults.map(async (fault) => {
        markFault(fault, 'heal-asked');
        await fault.heal();
        markFault(fault, 'heal-done');
      }),
    );
    const failed = healed.find((each) => each.status === 'rejected');
    if (failed) throw failed.reason;
  };
  let deadlineMs = 0;

  const allTold = (client: string, calls: number) =>
    waitFor(
      `the records of ${client}`,
      async () => {
        const told = recorder.callsFrom(client);
        return told >= calls ? { done: undefined } : { waiting: `${told} of ${calls} calls` };
      },
      { timeoutMs: RECORDS_TIMEOUT_MS, intervalMs: 50, signal },
    );

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
      { timeoutMs: CHANGE_TIMEOUT_MS, intervalMs: 100, signal },
    );

  const settled =
    ({ arm, takes = [] }: Fault, servers: number) =>
    async () => {
      const pods = recorder.pods(arm, SERVER_APP);
      const left = pods.filter(({ pod }) => takes.includes(pod));
      if (left.length > 0) return { waiting: `${arm}: ${left.map(({ pod }) => pod).join(', ')} still there` };
      const ready = pods.filter((pod) => pod.ready && !pod.terminating).length;
      const leaving = pods.filter(({ terminating }) => terminating).length;
      return ready === servers && leaving === 0
        ? { done: undefined }
        : { waiting: `${arm}: ${ready} of ${servers} servers Ready, ${leaving} leaving` };
    };

  return {
    api,
    proxy,
    servers: (arm) => podsOf(arm, SERVER_APP),
    clients: (arm) => podsOf(arm, CLIENT_APP),
    manifests,
    startWorkloads: async (workloadOf, { spreadMs, dnsName }) => {
      onPhase('starting the load');
      // One client of each arm watches: the answer is the same for all, and each question costs CPU.
      const watchers = armNames.flatMap((arm) => clients().find((client) => client.arm === arm) ?? []);
      await Promise.all(
        watchers.map(async ({ arm, pod }) => {
          if (!dnsName) return;
          await watchDns(proxy, pod, { name: dnsName(arm) });
          await allInDns(arm, pod);
        }),
      );
      const beganMs = nowMs();
      await Promise.all(
        clients().map(async ({ arm, pod }, index) => {
          const startMs = spreadMs * random(options.seed, index);
          await delay(Math.max(0, beganMs + startMs - nowMs()), undefined, { signal });
          const workload = workloadOf(arm);
          deadlineMs = Math.max(deadlineMs, workload.deadlineMs ?? 0);
          await startWorkload(proxy, pod, { ...workload, id: arm });
        }),
      );
      await delay(Math.max(0, beganMs + spreadMs - nowMs()), undefined, { signal });
    },
    observe: async (name, ms) => {
      onPhase(`${name}: watching for ${Math.round(ms / 1000)} s`);
      mark(name);
      await delay(ms, undefined, { signal });
    },
    inject: async (faults, serversAfter) => {
      mark('change');
      for (const [index, group] of faults.map((fault) => [fault].flat()).entries()) {
        if (index > 0) await delay(SETTLE_MS, undefined, { signal });
        onPhase(group.map(({ detail }) => detail).join(', '));
        await injectAll(group);
        await deploymentsReady(api, selector, work, CHANGE_TIMEOUT_MS);
        await Promise.all(
          group.map((fault) =>
            waitFor('the change to be complete', settled(fault, serversAfter), {
              timeoutMs: CHANGE_TIMEOUT_MS,
              signal,
            }),
          ),
        );
      }
    },
    during: async (name, faults, ms) => {
      try {
        await injectAll(faults);
        onPhase(`${name}: watching for ${Math.round(ms / 1000)} s`);
        mark(name);
        await delay(ms, undefined, { signal });
      } finally {
        mark(`${name} over`);
        await healAll(faults);
      }
    },
    readLogs: async (arm) => {
      for (const { pod } of podsOf(arm, CLIENT_APP)) {
        const text = await api.core.readNamespacedPodLog({ namespace: NAMESPACE, name: pod });
        for (const line of text.split('\n').filter(Boolean)) {
          recorder.note({ type: 'log', arm, text: line, atMs: nowMs(), source: pod });
        }
      }
    },
    close: async () => {
      onPhase('collecting the counts');
      mark('end');
      const lost = (arm: string, what: string, error: unknown) =>
        recorder.note({
          type: 'gap',
          arm,
          reason: `${what}: ${messageOf(error)}`,
          atMs: nowMs(),
          source: 'driver',
        });
      await Promise.all(
        clients().map(async ({ arm, pod }) => {
          try {
            const status = await stopWorkload(proxy, pod, arm, deadlineMs);
            recorder.note({ type: 'workload-end', arm, status, atMs: nowMs(), source: pod });
            await allTold(pod, status.ended);
          } catch (error) {
            lost(arm, `${pod} did not say how its work ended`, error);
          }
        }),
      );
      const servers = armNames.flatMap((arm) => podsOf(arm, SERVER_APP));
      await Promise.all(
        servers.map(async ({ arm, pod }) => {
          try {
            const counted = await readCounters(proxy, pod);
            recorder.note({
              type: 'counters',
              arm,
              final: true,
              clients: counted,
              atMs: nowMs(),
              source: pod,
            });
          } catch (error) {
            lost(arm, `${pod} did not say what it served`, error);
          }
        }),
      );
      return recorder.finish();
    },
  };
}

/** Takes away what the run deployed. */
export const cleanUp = async ({ lab, run }: Pick<StageOptions, 'lab' | 'run'>): Promise<void> => {
  try {
    await deleteRun(lab.api, run);
  } catch (error) {
    const answered = statusOf(error) !== undefined || error instanceof LabError;
    throw new LabError(
      answered ? 'failed' : 'lost',
      `what the run deployed could not be removed: ${messageOf(error)}`,
      { hint: 'The next lab:up or experiment removes it.', cause: error },
    );
  }
};

/** From 0 to 1; the same for the same seed and index, on any machine. */
function random(seed: number, index: number): number {
  return createHash('sha256').update(`${seed}/${index}`).digest().readUInt32BE() / 2 ** 32;
}
