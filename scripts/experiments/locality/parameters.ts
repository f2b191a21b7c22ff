// The parameters of a locality run, and what is refused.
import { FOUND_MS } from '../../checks/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { LabError } from '../../common/errors.ts';
import { EVEN } from '../../history/index.ts';
import { refuseFewBursts } from '../load.ts';

export type Options = {
  servers: number;
  clients: number;
  rate: number;
  burst: number;
  latency: number;
  readyAfter: number;
  deadline: number;
  warmup: number;
  window: number;
  seed: number;
};

export type Parameters = {
  /** Of each arm, on as many nodes. */
  servers: number;
  clients: number;
  ratePerSecond: number;
  burst: number;
  /** Of every call: what is in flight when a pod goes. */
  latencyMs: number;
  /** How long a new pod takes to get Ready: the time without one. */
  readyAfterMs: number;
  deadlineMs: number;
  startSpreadMs: number;
  warmupMs: number;
  baselineMs: number;
  windowMs: number;
  seed: number;
};

export const parametersOf = (options: Options): Parameters => ({
  servers: options.servers,
  clients: options.clients,
  ratePerSecond: options.rate,
  burst: options.burst,
  latencyMs: options.latency,
  readyAfterMs: options.readyAfter,
  deadlineMs: options.deadline,
  startSpreadMs: 1000,
  warmupMs: options.warmup,
  baselineMs: 6000,
  windowMs: options.window,
  seed: options.seed,
});

/** For shares to be seen once a client is back. */
const SEEING_MS = 2500;

/** Runs whose verdict could only be `unknown` are refused before they cost a minute. */
export function refuseWhatTellsNothing(parameters: Parameters): void {
  const { servers, clients, ratePerSecond, latencyMs, deadlineMs, windowMs } = parameters;
  const refuse = (message: string, hint: string) => new LabError('usage', message, { hint });
  if (clients <= servers) {
    throw refuse(
      `--clients ${clients} with --servers ${servers}: no client would be without a server on its node`,
      'Make --clients larger: they are spread over the nodes, as servers are.',
    );
  }
  refuseFewBursts(parameters);
  const neededRate = Math.ceil((EVEN.minCallsPerPod * servers * 1000) / EVEN.windowMs);
  if (ratePerSecond < neededRate) {
    throw refuse(
      `--rate ${ratePerSecond} is too low to tell whether ${servers} pods get even shares`,
      `Make it ${neededRate} or more.`,
    );
  }
  if (latencyMs >= deadlineMs) {
    throw refuse(
      `--latency ${formatDuration(latencyMs)} leaves no call within --deadline ${formatDuration(deadlineMs)}`,
      'Make the deadline longer or the latency shorter.',
    );
  }
  const neededWindow = FOUND_MS + SEEING_MS;
  if (windowMs < neededWindow) {
    throw refuse(
      `--window ${formatDuration(windowMs)} ends before clients have to be back`,
      `Make it ${formatDuration(neededWindow)} or more.`,
    );
  }
}
