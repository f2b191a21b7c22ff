// The parameters of a distribution run, and what is refused.
import { MIN_CALLS_PER_POD, MIN_EXPECTED } from '../../checks/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { LabError } from '../../common/errors.ts';
import { burstFor } from '../load.ts';

export type Options = {
  servers: number;
  channels: number;
  subchannelPool: 'own' | 'shared';
  maxConnectionAge: number | 'off';
  rate: number;
  deadline: number;
  warmup: number;
  window: number;
  seed: number;
};

export type Parameters = {
  /** That all arms call. */
  servers: number;
  /** Of the client of those arms that have more than one. */
  channels: number;
  subchannelPool: 'own' | 'shared';
  maxConnectionAgeMs: number | undefined;
  /** Of each arm's client. */
  ratePerSecond: number;
  burst: number;
  deadlineMs: number;
  startSpreadMs: number;
  warmupMs: number;
  windowMs: number;
  seed: number;
};

/** Clients that connect all at once keep each other waiting, and a slow connection is another one. */
const START_SPREAD_MS = 4000;

export const parametersOf = (options: Options): Parameters => ({
  servers: options.servers,
  channels: options.channels,
  subchannelPool: options.subchannelPool,
  maxConnectionAgeMs: options.maxConnectionAge === 'off' ? undefined : options.maxConnectionAge,
  ratePerSecond: options.rate,
  burst: burstFor(options.rate),
  deadlineMs: options.deadline,
  startSpreadMs: START_SPREAD_MS,
  warmupMs: options.warmup,
  windowMs: options.window,
  seed: options.seed,
});

/** Runs whose verdict could only be `unknown` are refused before they cost a minute. */
export function refuseWhatTellsNothing(parameters: Parameters): void {
  const { servers, channels, ratePerSecond, windowMs } = parameters;
  const refuse = (message: string, hint: string) => new LabError('usage', message, { hint });
  const neededChannels = MIN_EXPECTED * servers;
  if (channels < neededChannels) {
    throw refuse(
      `--channels ${channels} are too few to tell a random spread over ${servers} pods from another`,
      `It takes ${MIN_EXPECTED} per pod: --channels ${neededChannels} or more, or fewer --servers.`,
    );
  }
  const neededMs = (1000 * MIN_CALLS_PER_POD * servers * channels) / ratePerSecond;
  if (windowMs < neededMs) {
    throw refuse(
      `in --window ${formatDuration(windowMs)} at --rate ${ratePerSecond} each of ${channels} channels makes too few calls`,
      `It takes ${MIN_CALLS_PER_POD} per pod and channel: --window ${formatDuration(neededMs)} or more, or a higher --rate.`,
    );
  }
}
