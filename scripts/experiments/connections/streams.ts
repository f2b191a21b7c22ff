// More calls than one connection has streams for, on one connection and on several.
import { callsQueue, lateWaitMs, noQueue, queueFigures } from '../../checks/index.ts';
import { formatDuration } from '../../common/duration.ts';
import type { History } from '../../history/index.ts';
import type { ResultTable } from '../../report/index.ts';
import { type Aspect, armOf, noneFailed, warmMs } from './aspect.ts';
import { claimed, longestWaitMs, openCalls, type Parameters } from './parameters.ts';

const QUEUE = 'stream-queue';
const CHANNELS = 'more-channels';
const KIT = 'more-by-kit';
const CONTROL = 'no-limit';
/** Calls a second that take no more streams than there are. */
const WARM_RATE = 5;

export function streams(parameters: Parameters): Aspect {
  const { ratePerSecond, latencyMs, maxStreams, connections, loadMs } = parameters;
  const most = claimed('maxStreams', parameters);
  const client = {
    ratePerSecond,
    // None fails: how long calls wait is what is asked.
    deadlineMs: 2 * longestWaitMs(parameters) + 10_000,
  };
  const serverEnv = { INITIAL_LATENCY_MS: `${latencyMs}` };
  const limited = {
    ...serverEnv,
    ...(maxStreams === 'off' ? {} : { GRPC_MAX_CONCURRENT_STREAMS: `${maxStreams}` }),
  };
  const several = { ...client, channels: connections, subchannelPool: 'own' } as const;
  const arms = [
    armOf(QUEUE, client, { serverEnv: limited, fallsQuiet: true, warmRate: WARM_RATE }),
    // The limit is one of each connection: that they have a server in common makes no difference.
    armOf(CHANNELS, several, { serversOf: QUEUE, fallsQuiet: true, warmRate: WARM_RATE }),
    armOf(KIT, { ...several, stack: 'kit' }, { serversOf: QUEUE, fallsQuiet: true, warmRate: WARM_RATE }),
    armOf(CONTROL, client, { serverEnv, fallsQuiet: true, warmRate: WARM_RATE }),
  ];
  const load = { loadMs, ratePerSecond, latencyMs };
  const enough = [CHANNELS, KIT, CONTROL];
  return {
    arms,
    prediction: predictionOf(parameters),
    treatment: [QUEUE, CHANNELS, KIT],
    control: CONTROL,
    claims: (history) => {
      const fromMs = warmMs(history);
      return [
        callsQueue(history, { arm: QUEUE, ...load, fromMs, streams: most }),
        ...enough.map((arm) => noQueue(history, { arm, ...load, fromMs })),
        ...[QUEUE, ...enough].map((arm) => noneFailed(history, arm)),
      ];
    },
    tables: (history) => [streamTable(history, [QUEUE, ...enough], parameters)],
  };
}

function predictionOf(parameters: Parameters): string[] {
  const { ratePerSecond, latencyMs, maxStreams, connections, loadMs } = parameters;
  const most = claimed('maxStreams', parameters);
  const answered = (most * 1000) / latencyMs;
  const load = { loadMs, ratePerSecond, latencyMs, streams: most };
  return [
    `${QUEUE}: ${ratePerSecond} calls/s × ${formatDuration(latencyMs)} are ${openCalls(parameters)} open calls ` +
      "(Little's law). " +
      (maxStreams === 'off'
        ? 'With no limit of streams none waits: this fails.'
        : `${most} streams give ${answered.toFixed(1)} answers/s; the rest queues: calls of the last quarter of ` +
          `${formatDuration(loadMs)} take ${formatDuration(lateWaitMs(load))}.`),
    `${CHANNELS}, ${KIT}: ${connections} connections to the same server have ${connections * most} streams: calls take ` +
      `${formatDuration(latencyMs)}. So they do on one connection without a limit (${CONTROL}, the control).`,
  ];
}

function streamTable(history: History, arms: readonly string[], parameters: Parameters): ResultTable {
  const { ratePerSecond, loadMs } = parameters;
  return {
    title: 'Calls and a limit of streams: medians of a quarter of the load',
    columns: ['', 'asked/s', 'answers/s', 'first', 'last', 'open calls'],
    rows: arms.map((arm) => {
      const seen = queueFigures(history, { arm, fromMs: warmMs(history), loadMs });
      if (typeof seen === 'string') return [arm, `${ratePerSecond}`, '–', '–', '–', '–'];
      return [
        arm,
        `${ratePerSecond}`,
        seen.answersPerSecond.toFixed(1),
        formatDuration(seen.earlyMs),
        formatDuration(seen.lateMs),
        seen.open.toFixed(1),
      ];
    }),
  };
}
