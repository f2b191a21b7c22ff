// The parameters of a scale run: defaults that depend on each other, and what is refused.
import { formatDuration } from '../../common/duration.ts';
import { LabError } from '../../common/errors.ts';
import { EVEN, SEEING_EVEN_MS } from '../../history/index.ts';
import { longestPeriodMs, type Period } from '../dns-period.ts';
import { burstFor, refuseFewBursts } from '../load.ts';
import { MANY_CLIENTS, type ScaleParameters } from './prediction.ts';

export const isScaleOut = ({ from, to }: Pick<ScaleParameters, 'from' | 'to'>): boolean => to > from;

export type Options = {
  from: number;
  to: number;
  rate: number;
  burst?: number | undefined;
  clients: number;
  maxConnectionAge: number | 'off';
  dnsFloor: number;
  stack: 'grpc-js' | 'kit';
  policy: 'round_robin' | 'pick_first';
  service: 'headless' | 'clusterip';
  deadline: number;
  latency?: number | undefined;
  drain: number;
  warmup: number;
  window?: number | undefined;
  seed: number;
};

export type Parameters = ScaleParameters & {
  stack: 'grpc-js' | 'kit';
  ratePerSecond: number;
  burst: number;
  deadlineMs: number;
  latencyMs: number;
  warmupMs: number;
  baselineMs: number;
  windowMs: number;
  seed: number;
};

/** Clients begin within this time; many, spread over a whole period, so that the slowest can be predicted. */
const startSpread = (clients: number, period: Period) =>
  clients >= MANY_CLIENTS ? longestPeriodMs(period) : Math.min(period.dnsFloorMs, 5000);

/** The control is changed first. */
const CONTROL_CHANGES_MS = 3000;

/** What was typed, with the defaults filled in. */
export function parametersOf(options: Options): Parameters {
  const out = isScaleOut(options);
  const period: Period = {
    maxConnectionAgeMs: options.maxConnectionAge === 'off' ? undefined : options.maxConnectionAge,
    dnsFloorMs: options.dnsFloor,
  };
  const baselineMs = SEEING_EVEN_MS + 2000;
  return {
    from: options.from,
    to: options.to,
    clients: options.clients,
    stack: options.stack,
    policy: options.policy,
    service: options.service,
    ...period,
    drainMs: options.drain,
    startSpreadMs: startSpread(options.clients, period),
    settledMs: options.warmup + baselineMs + CONTROL_CHANGES_MS,
    ratePerSecond: options.rate,
    burst: options.burst ?? burstFor(options.rate),
    deadlineMs: options.deadline,
    // To scale in, calls have to be in flight when a pod goes: else there is little to lose.
    latencyMs: options.latency ?? (out ? 0 : 100),
    warmupMs: options.warmup,
    baselineMs,
    windowMs: options.window ?? (out ? 45_000 : 20_000),
    seed: options.seed,
  };
}

/** The manifest's terminationGracePeriodSeconds is 30. */
const LONGEST_DRAIN_MS = 20_000;

/** Runs whose verdict could only be `unknown` are refused before they cost a minute. */
export function refuseWhatTellsNothing(
  parameters: Parameters,
  predicted: { kind: string; boundMs: number },
): void {
  const { from, to, ratePerSecond, windowMs, policy, service, drainMs, latencyMs, deadlineMs } = parameters;
  const refuse = (message: string, hint: string) => new LabError('usage', message, { hint });
  if (from === to)
    throw refuse(
      `--from and --to are both ${to}: nothing would change`,
      'Make --to larger to scale out, smaller to scale in.',
    );
  if (drainMs > LONGEST_DRAIN_MS) {
    throw refuse(
      `--drain ${formatDuration(drainMs)} does not fit into the pods' grace period of 30s`,
      `Give it ${formatDuration(LONGEST_DRAIN_MS)} at most: connections have to be closed in what is left.`,
    );
  }
  refuseFewBursts(parameters);
  if (latencyMs >= deadlineMs) {
    throw refuse(
      `--latency ${formatDuration(latencyMs)} leaves no call within --deadline ${formatDuration(deadlineMs)}`,
      'Make the deadline longer or the latency shorter.',
    );
  }
  const spreads = policy === 'round_robin' && service === 'headless';
  const neededRate = Math.ceil((EVEN.minCallsPerPod * Math.max(from, to) * 1000) / EVEN.windowMs);
  if (spreads && ratePerSecond < neededRate) {
    throw refuse(
      `--rate ${ratePerSecond} is too low to tell whether ${Math.max(from, to)} pods get even shares`,
      `It takes ${EVEN.minCallsPerPod} calls per pod in ${formatDuration(EVEN.windowMs)}: --rate ${neededRate} or more.`,
    );
  }
  const neededWindow = predicted.boundMs + SEEING_EVEN_MS;
  if (predicted.kind === 'interval' && windowMs < neededWindow) {
    throw refuse(
      `--window ${formatDuration(windowMs)} ends before the prediction does`,
      `It takes ${formatDuration(neededWindow)}, or a shorter --max-connection-age and --dns-floor.`,
    );
  }
}
