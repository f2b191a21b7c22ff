// How good the model of convergence is: scale-outs over many parameters, measured, and held against its intervals.
import { writeFile } from 'node:fs/promises';
import { chooseProvider, labNamed, type ProviderChoice } from '../cluster/index.ts';
import { formatDuration } from '../common/duration.ts';
import {
  type Convergence,
  howItHeld,
  MEASURED_FILE,
  type MeasuredScaleOut,
  predictSlowest,
  RETRY_UNAVAILABLE,
} from '../experiments/index.ts';
import { scaleFault } from '../faults/index.ts';
import {
  callsOf,
  eventsOf,
  firstCallWaits,
  type History,
  scaleOutTimeline,
  startedMs,
} from '../history/index.ts';
import { LAB, onStage } from './on-stage.ts';
import { print } from './services.ts';

/** Side by side: they share nothing but the CPU. */
const AT_ONCE = 3;
const RATE = 20;

/** Prints each scale-out and how many fell inside their intervals, and keeps them beside the model. */
export async function benchPrediction(
  times: number,
  signal: AbortSignal,
  provider: ProviderChoice,
): Promise<void> {
  const scaleOuts: MeasuredScaleOut[] = [];
  for (let first = 0; first < times; first += AT_ONCE) {
    const atOnce = alike(
      Array.from({ length: Math.min(AT_ONCE, times - first) }, (_, index) => drawn(first + index)),
    );
    const history = await scaledOut(atOnce, signal, provider);
    for (const [index, parameters] of atOnce.entries()) {
      const one = compared(history, nameOf(index), parameters);
      scaleOuts.push(one);
      print(describe(one));
    }
  }
  const { provider: used } = await chooseProvider(labNamed(LAB), provider);
  const measured = { provider: used.name, date: new Date().toISOString().slice(0, 10), scaleOuts };
  print(howItHeld(measured));
  await writeFile(MEASURED_FILE, `${JSON.stringify(measured, null, 2)}\n`);
}

const nameOf = (index: number): string => `scale-out-${index + 1}`;

/** The same for the same number: spread over what can be asked for. */
function drawn(index: number): Convergence {
  const pick = <T>(values: readonly T[], step: number): T => values[(index * step) % values.length] as T;
  const maxConnectionAgeMs = pick([3000, 5000, 8000, 12_000], 1);
  const dnsFloorMs = pick([1000, 4000, 7000, 10_000, 15_000], 1);
  const from = pick([2, 3, 4], 1);
  return {
    from,
    added: pick([1, 2, 3], 2),
    clients: pick([5, 6, 8], 1),
    startSpreadMs: Math.max(maxConnectionAgeMs, dnsFloorMs),
    settledMs: 5000,
    maxConnectionAgeMs,
    dnsFloorMs,
  };
}

/** Those side by side have their clients started in the same time, the longest that one of them takes. */
function alike(scaleOuts: readonly Convergence[]): Convergence[] {
  const startSpreadMs = Math.max(...scaleOuts.map((one) => one.startSpreadMs));
  return scaleOuts.map((one) => ({ ...one, startSpreadMs }));
}

/** From the start of the last client to this arm's change, which waits for that of the arm before. */
function settledMs(history: History, arm: string): number {
  const starts = Map.groupBy(callsOf(history, arm), ({ source }) => source).values();
  const lastMs = Math.max(...[...starts].map((calls) => Math.min(...calls.map(startedMs))));
  const asked = eventsOf(history, 'fault').find(
    (event) => event.arm === arm && event.phase === 'inject-asked',
  );
  return Math.max(0, (asked?.atMs ?? lastMs) - lastMs);
}

async function scaledOut(
  scaleOuts: readonly Convergence[],
  signal: AbortSignal,
  provider: ProviderChoice,
): Promise<History> {
  const byArm = new Map(scaleOuts.map((parameters, index) => [nameOf(index), parameters]));
  const longestMs = Math.max(
    ...scaleOuts.map(({ maxConnectionAgeMs, dnsFloorMs }) => Math.max(1.1 * maxConnectionAgeMs, dnsFloorMs)),
  );
  return onStage(
    [...byArm].map(([name, { from, clients, maxConnectionAgeMs }]) => ({
      name,
      servers: from,
      clients,
      serverEnv: { GRPC_MAX_CONNECTION_AGE_MS: `${maxConnectionAgeMs}` },
      clientCpu: '50m',
    })),
    async (stage) => {
      await stage.startWorkloads(
        (arm) => ({
          target: `dns:///greeter-headless-${arm}:50051`,
          ratePerSecond: RATE,
          retry: RETRY_UNAVAILABLE,
          channelOptions: { 'grpc.dns_min_time_between_resolutions_ms': byArm.get(arm)?.dnsFloorMs ?? 0 },
        }),
        {
          spreadMs: scaleOuts[0]?.startSpreadMs ?? 0,
          dnsName: (arm) => `greeter-headless-${arm}`,
        },
      );
      await stage.observe('baseline', 5000);
      for (const [arm, { from, added }] of byArm) {
        const deployment = `greeter-server-${arm}`;
        await stage.inject(
          [scaleFault(stage.api, { arm, deployment, from, to: from + added })],
          from + added,
        );
      }
      await stage.observe('window', longestMs + 3000);
    },
    signal,
    provider,
  );
}

function compared(history: History, arm: string, asDrawn: Convergence): MeasuredScaleOut {
  const parameters = { ...asDrawn, settledMs: Math.round(settledMs(history, arm)) };
  const timeline = scaleOutTimeline(history, arm);
  const waits = (timeline ? firstCallWaits(timeline) : []).map(({ waitMs }) => waitMs);
  const known = waits.filter((waitMs) => waitMs !== undefined);
  const whole = known.length === waits.length && known.length === parameters.clients * parameters.added;
  const slowestMs = whole ? Math.round(Math.max(...known)) : null;
  const { fromMs, toMs } = predictSlowest(parameters);
  const inside = slowestMs !== null && slowestMs >= fromMs && slowestMs <= toMs;
  return { ...parameters, fromMs: Math.round(fromMs), toMs: Math.round(toMs), slowestMs, inside };
}

function describe(one: MeasuredScaleOut): string {
  const measured = one.slowestMs === null ? 'never' : formatDuration(one.slowestMs);
  return (
    `${one.inside ? '✔' : '✖'} age ${formatDuration(one.maxConnectionAgeMs)}, floor ${formatDuration(one.dnsFloorMs)}, ` +
    `${one.clients} clients, ${one.from} pods and ${one.added} more: predicted ${formatDuration(one.fromMs)} to ` +
    `${formatDuration(one.toMs)}, measured ${measured}`
  );
}
