// Options that experiments have in common, with defaults of their own.
import { Option } from '@commander-js/extra-typings';
import { durationOption, integer, positiveDurationOption } from '../common/options.ts';

export const rateOption = (ratePerSecond: number) =>
  new Option('--rate <n>', 'calls a second of each client, open loop')
    .argParser(integer(1, 20_000))
    .default(ratePerSecond);

export const deadlineOption = (seconds = 2) =>
  positiveDurationOption('--deadline', 'of each call', `${seconds}s`);

export const warmupOption = (seconds: number) =>
  durationOption(
    '--warmup',
    'load before the baseline is taken: young processes are slow ones',
    `${seconds}s`,
  );

export const seedOption = () =>
  new Option('--seed <n>', 'for the random moments at which clients start').argParser(integer(0)).default(1);
