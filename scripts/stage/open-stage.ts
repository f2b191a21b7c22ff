// The running arms of one experiment: set up, acted on, recorded, and always taken down again.
import { setTimeout as delay } from 'node:timers/promises';
import {
  apply,
  armManifests,
  deleteRun,
  deploymentsReady,
  INSTANCE_LABEL,
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
import { CLIENT_APP, type HistoryEvent, SERVER_APP } from '../history/index.ts';
import {
  probeDns,
  probeTcp,
  readCounters,
  readCpuMs,
  readSockets,
  runHealthProbe,
  startRecorder,
} from '../workload/index.ts';
import { wouldMake } from './dry-run.ts';
import { markedFaults } from './faults.ts';
import type { ArmPlan, Stage } from './stage.ts';
import { certificateFor, withTls } from './tls.ts';
import { workloadsOn } from './workloads.ts';

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

/** Deploys the arms and starts to record. `cleanUp` takes all of it away again, also when this fails midway. */
export async function openStage(options: StageOptions): Promise<OpenStage> {
  const { lab, run, arms, signal, onPhase } = options;
  const { api } = lab;
  const work = { say: () => {}, signal };
  refuseSharedNothing(arms);
  const serverArm = new Map(arms.map(({ name, serversOf }) => [name, serversOf ?? name]));
  const tls = await certificateFor(arms);
  const manifests = arms.flatMap((arm) => armManifests(lab.manifests, { ...withTls(arm, tls), run }));
  onPhase(`deploying ${describeArms(arms)}`);
  await apply(api, manifests);
  const allReady = () => deploymentsReady(api, readySelector(run, arms), work, CHANGE_TIMEOUT_MS);
  await allReady();

  const proxy = await podProxy(api.kubeConfig, await readToken(api));
  const openedMs = nowMs();
  const recorder = await startRecorder(api, proxy, { run, onEvent: options.onEvent, signal });
  for (const { name, serversOf } of arms) {
    if (serversOf !== undefined)
      recorder.note({ type: 'shared-servers', arm: name, serversOf, atMs: openedMs, source: 'driver' });
  }
  const podsOf = (arm: string, app: string) =>
    recorder
      .pods(app === SERVER_APP ? (serverArm.get(arm) ?? arm) : arm, app)
      .filter(({ terminating }) => !terminating)
      .sort((a, b) => (a.pod < b.pod ? -1 : 1));
  const armNames = arms.map(({ name }) => name);
  const mark = (name: string) => recorder.note({ type: 'mark', name, atMs: nowMs(), source: 'driver' });
  const lost = (arm: string, what: string, error: unknown) =>
    recorder.note({
      type: 'gap',
      arm,
      reason: `${what}: ${messageOf(error)}`,
      atMs: nowMs(),
      source: 'driver',
    });
  const faults = markedFaults(recorder);
  const workloads = workloadsOn({
    recorder,
    proxy,
    podsOf,
    arms: armNames,
    seed: options.seed,
    signal,
    lost,
  });

  /** To be asked for before the fault is injected. */
  const settled = ({ arm, takes = [], restarts = [] }: Fault, servers: number) => {
    const serversOf = () => recorder.pods(serverArm.get(arm) ?? arm, SERVER_APP);
    const before = new Map(serversOf().map((pod) => [pod.pod, pod.restarts]));
    return async () => {
      const pods = serversOf();
      const running = pods.filter(
        (pod) => restarts.includes(pod.pod) && pod.restarts === before.get(pod.pod),
      );
      if (running.length > 0)
        return { waiting: `${arm}: ${running.map(({ pod }) => pod).join(', ')} not restarted` };
      const left = pods.filter(({ pod }) => takes.includes(pod));
      if (left.length > 0) return { waiting: `${arm}: ${left.map(({ pod }) => pod).join(', ')} still there` };
      const ready = pods.filter((pod) => pod.ready && !pod.terminating).length;
      const leaving = pods.filter(({ terminating }) => terminating).length;
      return ready === servers && leaving === 0
        ? { done: undefined }
        : { waiting: `${arm}: ${ready} of ${servers} servers Ready, ${leaving} leaving` };
    };
  };

  return {
    api,
    proxy,
    nodes: lab.nodes,
    certificateAuthority: tls?.ca,
    servers: (arm) => podsOf(arm, SERVER_APP),
    clients: (arm) => podsOf(arm, CLIENT_APP),
    manifests,
    startWorkloads: async (workloadOf, times) => {
      onPhase('starting the load');
      await workloads.start(workloadOf, times);
    },
    changeWorkloads: workloads.change,
    watchDns: workloads.watchDns,
    probeDns: async (arm, request) => {
      const [client] = podsOf(arm, CLIENT_APP);
      if (client === undefined) return;
      const { name, type = 'lookup' } = request;
      const answer = await probeDns(proxy, client.pod, request);
      const heard = 'error' in answer ? { records: [], error: answer.error } : { records: answer.records };
      const probed = { arm, name, asked: type, ...heard, tookMs: answer.ms };
      recorder.note({ type: 'dns-probe', ...probed, atMs: nowMs(), source: client.pod });
    },
    probeTcp: async (arm, request) => {
      const [client] = podsOf(arm, CLIENT_APP);
      if (client === undefined) return;
      const { host, port } = request;
      const { ms, ...answer } = await probeTcp(proxy, client.pod, request);
      const probed = { arm, host, port, ...answer, tookMs: ms };
      recorder.note({ type: 'tcp-probe', ...probed, atMs: nowMs(), source: client.pod });
    },
    dryRun: async (arm, object) => {
      const answer = await wouldMake(api, object);
      recorder.note({
        type: 'dry-run',
        arm,
        name: object.metadata.name,
        ...answer,
        atMs: nowMs(),
        source: 'driver',
      });
    },
    observe: async (name, ms) => {
      onPhase(`${name}: watching for ${Math.round(ms / 1000)} s`);
      mark(name);
      await delay(ms, undefined, { signal });
    },
    inject: async (groups, serversAfter) => {
      mark('change');
      for (const [index, group] of groups.map((fault) => [fault].flat()).entries()) {
        if (index > 0) await delay(SETTLE_MS, undefined, { signal });
        onPhase(group.map(({ detail }) => detail).join(', '));
        const complete = group.map((fault) => settled(fault, serversAfter));
        await faults.inject(group);
        await allReady();
        await Promise.all(
          complete.map((isComplete) =>
            waitFor('the change to be complete', isComplete, {
              timeoutMs: CHANGE_TIMEOUT_MS,
              signal,
            }),
          ),
        );
      }
    },
    during: async (name, group, ms, meanwhile) => {
      const over = new AbortController();
      try {
        await faults.inject(group);
        onPhase(`${name}: watching for ${Math.round(ms / 1000)} s`);
        mark(name);
        const waiting = delay(ms, undefined, { signal: AbortSignal.any([signal, over.signal]) });
        await Promise.all([waiting, meanwhile?.()]);
      } finally {
        over.abort();
        mark(`${name} over`);
        onPhase(`undoing: ${group.map(({ detail }) => detail).join(', ')}`);
        await faults.heal(group);
      }
    },
    allReady: async () => {
      await allReady();
    },
    readSockets: async (of) => {
      const pods = of.flatMap((arm) => [SERVER_APP, CLIENT_APP].flatMap((app) => podsOf(arm, app)));
      // Arms that share servers share their pods.
      const each = new Map(pods.map((seen) => [seen.pod, seen]));
      await Promise.all(
        [...each.values()].map(async ({ arm, app, pod }) => {
          const seen = await readSockets(proxy, pod);
          recorder.note({ type: 'sockets', arm, app, ...seen, atMs: nowMs(), source: pod });
        }),
      );
    },
    readCpu: async (of) => {
      const pods = of.flatMap((arm) => [SERVER_APP, CLIENT_APP].flatMap((app) => podsOf(arm, app)));
      await Promise.all(
        pods.map(async ({ arm, app, pod }) => {
          const cpuMs = await readCpuMs(proxy, pod);
          recorder.note({ type: 'cpu', arm, app, cpuMs, atMs: nowMs(), source: pod });
        }),
      );
    },
    runHealthProbe: async (arm, request) => {
      for (const { pod } of podsOf(arm, SERVER_APP)) {
        const { runs } = await runHealthProbe(proxy, pod, request);
        recorder.note({ type: 'health-probe', arm, runs, atMs: nowMs(), source: pod });
      }
    },
    readLogs: async (arm) => {
      for (const { pod } of podsOf(arm, CLIENT_APP)) {
        const log = await api.core.readNamespacedPodLog({
          namespace: NAMESPACE,
          name: pod,
          timestamps: true,
        });
        for (const line of log.split('\n').filter(Boolean)) {
          const [time = '', ...words] = line.split(' ');
          recorder.note({ type: 'log', arm, text: words.join(' '), atMs: Date.parse(time), source: pod });
        }
      }
    },
    close: async () => {
      onPhase('collecting the counts');
      mark('end');
      await workloads.stop();
      const servers = armNames.flatMap((arm) => recorder.pods(arm, SERVER_APP));
      await Promise.all(
        servers
          .filter(({ terminating, ready }) => ready && !terminating)
          .map(async ({ arm, pod }) => {
            try {
              const clients = await readCounters(proxy, pod);
              recorder.note({ type: 'counters', arm, final: true, clients, atMs: nowMs(), source: pod });
            } catch (error) {
              lost(arm, `${pod} did not say what it served`, error);
            }
          }),
      );
      return recorder.finish();
    },
  };
}

/** Of everything that has to be Ready. */
function readySelector(run: string, arms: readonly ArmPlan[]): string {
  const unready = arms.filter(({ mayBeUnready }) => mayBeUnready).map(({ name }) => name);
  const others = unready.length > 0 ? [`${INSTANCE_LABEL} notin (${unready.join(',')})`] : [];
  return [`${RUN_LABEL}=${run}`, ...others].join(',');
}

/** @throws Error for an arm that calls servers which are not there, or has some that nobody calls. */
export function refuseSharedNothing(arms: readonly ArmPlan[]): void {
  for (const { name, servers, serversOf } of arms) {
    if (serversOf === undefined) continue;
    const shared = arms.find((arm) => arm.name === serversOf);
    if (!shared || shared.servers === 0 || shared.serversOf !== undefined)
      throw new Error(`arm ${name}: ${serversOf} has no servers to share`);
    if (servers > 0)
      throw new Error(`arm ${name} calls the servers of ${serversOf}: it takes none of its own`);
  }
}

function describeArms(arms: readonly ArmPlan[]): string {
  if (arms.length > 4) {
    const [servers, clients] = (['servers', 'clients'] as const).map((of) =>
      arms.reduce((sum, arm) => sum + arm[of], 0),
    );
    return `${arms.length} arms with ${servers} servers and ${clients} clients`;
  }
  return arms
    .map(({ name, servers, clients }) => `${name} (${servers} servers, ${clients} clients)`)
    .join(' and ');
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
