// The parameters of a connections run: times that follow from others, and what is refused.
import { formatDuration } from '../../common/duration.ts';
import { LabError } from '../../common/errors.ts';

export const ASPECTS = ['leaks', 'streams', 'idle', 'frozen'] as const;
export type AspectName = (typeof ASPECTS)[number];

export type Options = {
  only: readonly AspectName[];
  leakRate: number;
  ports: number;
  closeChannels: boolean;
  sharedPool: boolean;
  rate: number;
  latency: number;
  maxStreams: number | 'off';
  connections: number;
  idleTimeout: number | 'off';
  keepalive: number | 'off';
  keepaliveTimeout: number;
  freeze: number;
  deadline: number;
  warmup: number;
  load: number;
  seed: number;
};

export type Parameters = {
  aspects: readonly AspectName[];
  /** Channels that each leaking client opens in a second: one per call. */
  leakRatePerSecond: number;
  /** Of the client that is to run out of them. */
  ports: number;
  closeChannels: boolean;
  sharedPool: boolean;
  /** Calls a second where the number of streams is limited, and what each takes at the server. */
  ratePerSecond: number;
  latencyMs: number;
  maxStreams: number | 'off';
  /** To each server, where there are to be enough. */
  connections: number;
  idleTimeoutMs: number | 'off';
  keepaliveMs: number | 'off';
  keepaliveTimeoutMs: number;
  freezeMs: number;
  /** Of calls, but for those that are to queue. */
  deadlineMs: number;
  /** Before anything is counted. */
  warmupMs: number;
  /** How long all clients call then; some then stop, while what they have left behind is watched. */
  loadMs: number;
  quietMs: number;
  /** After a freeze. */
  thawedMs: number;
  startSpreadMs: number;
  seed: number;
};

/** What is claimed where an option takes the cause of it away: it then fails. */
export const CLAIMED = { maxStreams: 10, idleTimeoutMs: 2000, keepaliveMs: 2000 };

/** `off` is judged by what was claimed. */
export const claimed = (name: keyof typeof CLAIMED, parameters: Parameters): number =>
  parameters[name] === 'off' ? CLAIMED[name] : parameters[name];

/** grpc-js looks for connections that no channel needs any more at this interval (REF_CHECK_INTERVAL of its pool). */
export const POOL_CHECK_MS = 10_000;
/** What a channel's idle time-out is raised to at least, and is where nothing is said (of grpc-js, too). */
const LEAST_IDLE_MS = 1000;
export const DEFAULT_IDLE_MS = 30 * 60_000;
/** Calls a second to servers of which one is frozen. */
export const FROZEN_RATE = 20;
/** For a frozen server's absence to be seen, beside the time that keepalive takes. */
export const NOTICE_SLACK_MS = 1000;

const MARGIN_MS = 3000;
/** For clients to be told of a change. */
const LATE_MS = 2000;
/** GET /sockets lists this many, and those that are closed count too. */
const MOST_SOCKETS = 1500;
/** So that a queue is told from none. */
const LEAST_OVERLOAD = 1.3;
/** Streams that may be taken where there is to be no queue: calls do not come quite evenly. */
const MOST_TAKEN = 0.9;
const LEAST_STREAM_CALLS = 100;
/** So that its calls are enough to tell a share of. */
const LEAST_KEEPALIVE_TIMEOUT_MS = 1000;
const LEAST_LEAKED = 60;

export function parametersOf(options: Options): Parameters {
  const { only, leakRate, ports, rate, latency, load, idleTimeout, maxStreams } = options;
  const base = {
    aspects: ASPECTS.filter((name) => only.includes(name)),
    leakRatePerSecond: leakRate,
    ports,
    closeChannels: options.closeChannels,
    sharedPool: options.sharedPool,
    ratePerSecond: rate,
    latencyMs: latency,
    maxStreams,
    connections: options.connections,
    idleTimeoutMs: idleTimeout,
    keepaliveMs: options.keepalive,
    keepaliveTimeoutMs: options.keepaliveTimeout,
    freezeMs: options.freeze,
    deadlineMs: options.deadline,
    warmupMs: options.warmup,
    loadMs: load,
    thawedMs: MARGIN_MS,
    startSpreadMs: 5000,
    seed: options.seed,
  };
  return {
    ...base,
    quietMs: Math.max(...base.aspects.map((name) => quietFor(name, { ...base, quietMs: 0 }))),
  };
}

/** How long an aspect has to be watched when the load is over. */
function quietFor(aspect: AspectName, parameters: Parameters): number {
  const { warmupMs, loadMs, ports, leakRatePerSecond } = parameters;
  switch (aspect) {
    case 'leaks': {
      const timeFor = (calls: number) => (calls * 1000) / leakRatePerSecond + MARGIN_MS - loadMs;
      // Sockets are first read when the warm-up is over; ports go from the first call on.
      return Math.max(MARGIN_MS, timeFor(LEAST_LEAKED), timeFor(1.1 * ports) - warmupMs);
    }
    case 'streams':
      return longestWaitMs(parameters);
    case 'idle':
      return claimed('idleTimeoutMs', parameters) + POOL_CHECK_MS + MARGIN_MS;
    case 'frozen':
      return MARGIN_MS;
  }
}

/** Until the last call that was due in the load is answered, where there is a queue. */
export function longestWaitMs(parameters: Parameters): number {
  const { loadMs, latencyMs } = parameters;
  return latencyMs + (loadMs + LATE_MS) * Math.max(0, overloadOf(parameters) - 1);
}

/** Calls that would be open by Little's law, over the streams of one connection. */
export const overloadOf = (parameters: Parameters): number =>
  openCalls(parameters) / claimed('maxStreams', parameters);

/** Little's law: rate × latency. */
export const openCalls = ({ ratePerSecond, latencyMs }: Parameters): number =>
  (ratePerSecond * latencyMs) / 1000;

/** From the first call of a leaking client to the last reading. */
export const leakingMs = ({
  aspects,
  startSpreadMs,
  warmupMs,
  loadMs,
  quietMs,
  freezeMs,
  thawedMs,
}: Parameters): number =>
  startSpreadMs + warmupMs + loadMs + quietMs + (aspects.includes('frozen') ? freezeMs + thawedMs : 0);

/** Runs whose verdict could only be `unknown` are refused before they cost two minutes. */
export function refuseWhatTellsNothing(parameters: Parameters): void {
  const refusals = {
    leaks: refuseLeaks,
    streams: refuseStreams,
    idle: refuseIdle,
    frozen: refuseFrozen,
  };
  for (const aspect of parameters.aspects) refusals[aspect](parameters);
}

const refuse = (message: string, hint: string) => new LabError('usage', message, { hint });

function refuseLeaks(parameters: Parameters): void {
  const { leakRatePerSecond: rate } = parameters;
  const sockets = (rate * leakingMs(parameters)) / 1000;
  if (sockets <= MOST_SOCKETS) return;
  throw refuse(
    `--leak-rate ${rate} would leak ${Math.round(sockets)} connections in ${formatDuration(leakingMs(parameters))}`,
    `The lab counts up to ${MOST_SOCKETS}: make --leak-rate lower.`,
  );
}

function refuseStreams(parameters: Parameters): void {
  const { ratePerSecond, loadMs, connections } = parameters;
  const streams = claimed('maxStreams', parameters);
  const open = openCalls(parameters);
  if (overloadOf(parameters) < LEAST_OVERLOAD) {
    throw refuse(
      `--rate times --latency are ${open} calls that are open: no queue to see with --max-streams ${streams}`,
      `Make them ${LEAST_OVERLOAD * streams} or more.`,
    );
  }
  if (open > MOST_TAKEN * streams * connections) {
    throw refuse(
      `--rate times --latency are ${open} calls that are open: they would queue on ${connections} connections, too`,
      `Make it --connections ${Math.ceil(open / MOST_TAKEN / streams)} or more.`,
    );
  }
  if ((ratePerSecond * loadMs) / 1000 < LEAST_STREAM_CALLS) {
    throw refuse(
      `--rate ${ratePerSecond} for --load ${formatDuration(loadMs)} is too little to tell a queue`,
      `It takes ${LEAST_STREAM_CALLS} calls.`,
    );
  }
}

function refuseIdle({ idleTimeoutMs }: Parameters): void {
  if (idleTimeoutMs === 'off') return;
  if (idleTimeoutMs < LEAST_IDLE_MS) {
    throw refuse(
      `--idle-timeout ${formatDuration(idleTimeoutMs)} is too short`,
      'grpc-js takes 1s for less.',
    );
  }
  if (idleTimeoutMs >= DEFAULT_IDLE_MS) {
    throw refuse(
      `--idle-timeout ${formatDuration(idleTimeoutMs)} closes nothing before the default does`,
      `The default is ${formatDuration(DEFAULT_IDLE_MS)}: make it shorter.`,
    );
  }
}

function refuseFrozen(parameters: Parameters): void {
  const { keepaliveTimeoutMs, freezeMs, deadlineMs } = parameters;
  if (keepaliveTimeoutMs < LEAST_KEEPALIVE_TIMEOUT_MS) {
    throw refuse(
      `--keepalive-timeout ${formatDuration(keepaliveTimeoutMs)} is too short to tell what it costs`,
      `Make it ${formatDuration(LEAST_KEEPALIVE_TIMEOUT_MS)} or more.`,
    );
  }
  const noticedMs = claimed('keepaliveMs', parameters) + keepaliveTimeoutMs + NOTICE_SLACK_MS;
  const neededMs = noticedMs + deadlineMs + NOTICE_SLACK_MS;
  if (freezeMs >= neededMs) return;
  throw refuse(
    `--freeze ${formatDuration(freezeMs)} is over before it is told whether keepalive notices it`,
    `It takes ${formatDuration(neededMs)}: --keepalive, --keepalive-timeout, --deadline and ` +
      `${formatDuration(2 * NOTICE_SLACK_MS)} more.`,
  );
}
