// Rolling restarts of servers that are slow to get Ready, under load: calls that fail with a watch, and beside it with
// DNS.

import type { WorkloadRequest } from '../../services/protocol/index.ts';
import { NAMESPACE, type ProviderChoice } from '../cluster/index.ts';
import { RETRY_UNAVAILABLE } from '../experiments/index.ts';
import { rolloutRestartFault } from '../faults/index.ts';
import { callsStartedIn, eventsOf, failuresOf, type History } from '../history/index.ts';
import type { ArmPlan } from '../stage/index.ts';
import { onStage } from './on-stage.ts';
import { print } from './services.ts';

const READY_AFTER_MS = 8000;
/** Long: calls that only wait for CPU while pods start are not lost. */
const DEADLINE_MS = 10_000;

type Arm = { servers: number; ageMs?: number; workload: Omit<WorkloadRequest, 'id'> };

const arms: Record<string, Arm> = {
  watch: {
    servers: 10,
    workload: {
      target: `kubernetes:///greeter-headless-watch.${NAMESPACE}:grpc`,
      stack: 'kit',
      ratePerSecond: 1000,
      burst: 10,
    },
  },
  'dns-poll': {
    servers: 3,
    workload: {
      target: `dns-poll:///greeter-headless-dns-poll.${NAMESPACE}.svc.cluster.local:50051?interval=5s`,
      stack: 'kit',
      ratePerSecond: 50,
      burst: 5,
    },
  },
  'dns-max-age': {
    servers: 3,
    ageMs: 10_000,
    workload: { target: 'dns:///greeter-headless-dns-max-age:50051', ratePerSecond: 50, burst: 5 },
  },
};

/** Prints the failed calls of each run, by arm. */
export async function benchRollout(
  runs: number,
  signal: AbortSignal,
  provider: ProviderChoice,
): Promise<void> {
  const plans = Object.entries(arms).map(
    ([name, { servers, ageMs }]): ArmPlan => ({
      name,
      servers,
      clients: 1,
      serverEnv: {
        GRPC_MAX_CONNECTION_AGE_MS: ageMs?.toString(),
        READY_AFTER_MS: `${READY_AFTER_MS}`,
        DRAIN_DELAY_MS: '5000',
      },
    }),
  );
  const history = await onStage(
    plans,
    async (stage) => {
      await stage.startWorkloads(
        (arm) => ({
          ...(arms[arm] as Arm).workload,
          retry: RETRY_UNAVAILABLE,
          deadlineMs: DEADLINE_MS,
        }),
        {
          spreadMs: 1000,
          dnsName: (arm) => `greeter-headless-${arm}`,
        },
      );
      await stage.observe('warm-up', 10_000);
      for (let run = 1; run <= runs; run += 1) {
        await stage.observe(`run ${run}`, 2000);
        // One arm after the other: on a small machine all their pods at once would take the CPU from the calls.
        for (const [arm, { servers }] of Object.entries(arms)) {
          await stage.inject(
            [rolloutRestartFault(stage.api, { arm, deployment: `greeter-server-${arm}` })],
            servers,
          );
        }
        print(`restart ${run} of ${runs} done`);
      }
      await stage.observe('after', 5000);
    },
    signal,
    provider,
  );
  report(history, runs);
}

function report(history: History, runs: number): void {
  const marks = eventsOf(history, 'mark');
  const at = (name: string): number => marks.find((mark) => mark.name === name)?.atMs ?? 0;
  for (const arm of Object.keys(arms)) {
    const failed: number[] = [];
    for (let run = 1; run <= runs; run += 1) {
      const untilMs = at(run < runs ? `run ${run + 1}` : 'end');
      const calls = callsStartedIn(history, arm, at(`run ${run}`), untilMs);
      failed.push(calls.filter(({ code }) => code !== 'OK').length);
    }
    const calls = callsStartedIn(history, arm, at('run 1'), at('end'));
    const clean = failed.filter((count) => count === 0).length;
    print(
      `${arm}: ${clean} of ${runs} restarts without a failed call; failed ${failed.join(', ')} of ${calls.length} calls`,
    );
    print(
      `  slowest call ${calls.reduce((most, { latencyMs }) => Math.max(most, latencyMs), 0).toFixed(0)} ms`,
    );
    for (const { code, count, message } of failuresOf(calls)) print(`  ${count} × ${code}: ${message}`);
  }
}
