// How soon a watching client calls a new pod, and leaves one that goes: pods added and taken away one at a time.

import { quantileSorted } from 'simple-statistics';
import { NAMESPACE, type ProviderChoice } from '../cluster/index.ts';
import { RETRY_UNAVAILABLE } from '../experiments/index.ts';
import { scaleFault } from '../faults/index.ts';
import {
  callsOf,
  eventsOf,
  type History,
  podsOf,
  readyInSlices,
  SERVER_APP,
  startedMs,
} from '../history/index.ts';
import { onStage } from './on-stage.ts';
import { print } from './services.ts';

const ARM = 'watch';
const SERVICE = `greeter-headless-${ARM}`;
const FROM = 2;
/** Calls a second: with three pods each is due one every 6 ms. */
const RATE = 500;

/** Prints the quantiles of so many additions and removals. */
export async function benchAdditions(
  additions: number,
  signal: AbortSignal,
  provider: ProviderChoice,
): Promise<void> {
  const history = await onStage(
    [
      {
        name: ARM,
        servers: FROM,
        clients: 1,
        serverEnv: { GRPC_MAX_CONNECTION_AGE_MS: undefined, DRAIN_DELAY_MS: '1000' },
      },
    ],
    async (stage) => {
      await stage.startWorkloads(
        () => ({
          target: `kubernetes:///${SERVICE}.${NAMESPACE}:grpc`,
          stack: 'kit',
          ratePerSecond: RATE,
          retry: RETRY_UNAVAILABLE,
        }),
        { spreadMs: 0, dnsName: () => SERVICE },
      );
      await stage.observe('baseline', 5000);
      const deployment = `greeter-server-${ARM}`;
      for (let addition = 1; addition <= additions; addition += 1) {
        const fault = scaleFault(stage.api, { arm: ARM, deployment, from: FROM, to: FROM + 1 });
        await stage.inject([fault], FROM + 1);
        await stage.observe('added', 1500);
        const back = scaleFault(stage.api, { arm: ARM, deployment, from: FROM + 1, to: FROM });
        await stage.inject([back], FROM);
        if (addition % 10 === 0) print(`${addition} of ${additions} additions`);
      }
    },
    signal,
    provider,
  );
  report(history);
}

function report(history: History): void {
  const calls = callsOf(history, ARM).sort((a, b) => startedMs(a) - startedMs(b));
  const pods = podsOf(history, ARM, SERVER_APP).filter((pod) => !pod.old && pod.readyAtMs !== undefined);
  const resolved = eventsOf(history, 'resolved').filter(({ arm, ok }) => arm === ARM && ok);
  const connected = eventsOf(history, 'connectivity').filter(
    ({ arm, state }) => arm === ARM && state === 'READY',
  );
  const fromReady: number[] = [];
  const fromSlice: number[] = [];
  const steps = { told: [] as number[], connected: [] as number[], called: [] as number[] };
  const afterRemoval: number[] = [];
  let uncalled = 0;
  for (const pod of pods) {
    const ofPod = calls.filter((call) => call.pod === pod.pod);
    const [first] = ofPod;
    if (first === undefined || pod.readyAtMs === undefined) {
      uncalled += 1;
      continue;
    }
    // Of the Service that the client watches: the controller writes those of the other before or after.
    const [{ fromMs: inSliceMs, toMs: outOfSliceMs } = { fromMs: undefined, toMs: undefined }] =
      readyInSlices(history, ARM, SERVICE, pod.pod);
    fromReady.push(startedMs(first) - pod.readyAtMs);
    if (inSliceMs !== undefined) fromSlice.push(startedMs(first) - inSliceMs);
    // The driver may hear of the slice later than the client does.
    const toldMs = resolved.findLast(
      ({ atMs, detail }) => atMs <= startedMs(first) && detail === `${FROM + 1} endpoints`,
    )?.atMs;
    const connectedMs = connected.findLast(
      ({ atMs }) => atMs <= startedMs(first) && atMs >= (toldMs ?? Number.POSITIVE_INFINITY),
    )?.atMs;
    if (inSliceMs !== undefined && toldMs !== undefined && connectedMs !== undefined) {
      steps.told.push(toldMs - inSliceMs);
      steps.connected.push(connectedMs - toldMs);
      steps.called.push(startedMs(first) - connectedMs);
    }
    const last = ofPod.at(-1);
    if (outOfSliceMs !== undefined && last !== undefined) {
      afterRemoval.push(Math.max(0, startedMs(last) - outOfSliceMs));
    }
  }
  const failed = calls.filter(({ code }) => code !== 'OK').length;
  print(
    `${calls.length} calls, ${failed} failed; ${pods.length} pods added, ${uncalled} of them never called`,
  );
  print(`Ready to first call:                 ${quantiles(fromReady)}`);
  print(`EndpointSlice to first call:         ${quantiles(fromSlice)}`);
  print(`  until the client has the list:     ${quantiles(steps.told)}`);
  print(`  until it has the connection:       ${quantiles(steps.connected)}`);
  print(`  until the pod's turn:              ${quantiles(steps.called)}`);
  print(`removal from the slice to last call: ${quantiles(afterRemoval)}`);
}

function quantiles(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  if (sorted.length === 0) return 'none';
  const at = (q: number): string => `${quantileSorted(sorted, q).toFixed(1)} ms`;
  return `p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}, max ${at(1)} (${sorted.length})`;
}
