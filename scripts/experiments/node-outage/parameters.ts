// The parameters of a node-outage run, and how late Kubernetes is expected to notice.
import type { NodeFailure } from '../../cluster/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { LabError } from '../../common/errors.ts';
import { SEEING_EVEN_MS } from '../../history/index.ts';
import { SLACK_MS } from '../dns-period.ts';
import { refuseTooFewPerPod } from '../load.ts';

export type Options = {
  by: NodeFailure;
  hold: number;
  servers: number;
  keepalive: number;
  keepaliveTimeout: number;
  rate: number;
  freshRate: number;
  deadline: number;
  warmup: number;
  seed: number;
};

export type Parameters = {
  by: NodeFailure;
  /** How long the node is away. */
  holdMs: number;
  servers: number;
  keepaliveMs: number;
  keepaliveTimeoutMs: number;
  /** Of each client with one channel. */
  ratePerSecond: number;
  /** Of the client with a channel for each call. */
  freshRatePerSecond: number;
  deadlineMs: number;
  startSpreadMs: number;
  warmupMs: number;
  baselineMs: number;
  /** Observed when the node is back. */
  windowMs: number;
  seed: number;
};

/**
 * From the loss of a node to its pods not ready in the EndpointSlices: a kubelet renews its lease every 10 s; the node
 * controller looks every 5 s, and gives a node 40 s, from Kubernetes 1.32 on 50 s (kubernetes/kubernetes#126287).
 */
export const NOTICED = { fromMs: 40_000 - 10_000, toMs: 50_000 + 5000 + SLACK_MS };

/** When clients that choose by chance may have called a lost server for the last time. */
export const TOLD_BEFORE_MS = 3000;
/** That they do not choose it in so long, though it is ready. */
const UNLIKELY = 0.001;

/** By default pods are evicted when their node has not been Ready for 5 minutes, and others come. */
const LONGEST_HOLD_MS = 300_000;

/** For a ping that goes out late, and for its connection to be left. */
export const PING_SLACK_MS = 1500;

export function parametersOf(options: Options): Parameters {
  return {
    by: options.by,
    holdMs: options.hold,
    servers: options.servers,
    keepaliveMs: options.keepalive,
    keepaliveTimeoutMs: options.keepaliveTimeout,
    ratePerSecond: options.rate,
    freshRatePerSecond: options.freshRate,
    deadlineMs: options.deadline,
    startSpreadMs: 1000,
    warmupMs: options.warmup,
    baselineMs: SEEING_EVEN_MS + 2000,
    windowMs: 10_000,
    seed: options.seed,
  };
}

/** Runs whose verdict could only be `unknown` are refused before they cost two minutes. */
export function refuseWhatTellsNothing(parameters: Parameters): void {
  const { holdMs, deadlineMs, keepaliveMs, keepaliveTimeoutMs, servers, ratePerSecond, freshRatePerSecond } =
    parameters;
  const refuse = (message: string, hint: string) => new LabError('usage', message, { hint });
  refuseTooFewPerPod(parameters);
  const neededMs = NOTICED.toMs + deadlineMs + SLACK_MS;
  if (holdMs < neededMs) {
    throw refuse(
      `--hold ${formatDuration(holdMs)} may be over before Kubernetes has noticed`,
      `It takes up to ${formatDuration(NOTICED.toMs)}: ${formatDuration(neededMs)} or more.`,
    );
  }
  if (holdMs > LONGEST_HOLD_MS) {
    throw refuse(
      `--hold ${formatDuration(holdMs)} is so long that Kubernetes replaces the pods`,
      `Make it ${formatDuration(LONGEST_HOLD_MS)} or less.`,
    );
  }
  if (keepaliveMs + keepaliveTimeoutMs > NOTICED.fromMs - deadlineMs - SLACK_MS) {
    throw refuse(
      `--keepalive ${formatDuration(keepaliveMs)} may be no faster than Kubernetes`,
      'Make it, or --keepalive-timeout, shorter.',
    );
  }
  const leastFresh = Math.ceil(Math.log(UNLIKELY) / Math.log(1 - 1 / servers) / (TOLD_BEFORE_MS / 1000));
  if (freshRatePerSecond < leastFresh) {
    throw refuse(
      `--fresh-rate ${freshRatePerSecond} is too low to tell when one of ${servers} servers is called last`,
      `Make it ${leastFresh} or more.`,
    );
  }
  if (freshRatePerSecond > ratePerSecond) {
    throw refuse(
      `--fresh-rate ${freshRatePerSecond} is above --rate ${ratePerSecond}`,
      'Make it less: a channel for each call costs much more.',
    );
  }
}
