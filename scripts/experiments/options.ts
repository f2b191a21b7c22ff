// Options that experiments have in common, with defaults of their own.
import { Option } from '@commander-js/extra-typings';
import { duration, integer, positiveDuration } from '../common/options.ts';

export const rateOption = (ratePerSecond: number) =>
  new Option('--rate <n>', 'calls a second of each client, open loop')
    .argParser(integer(1, 20_000))
    .default(ratePerSecond);

export const deadlineOption = (seconds = 2) =>
  new Option('--deadline <duration>', 'of each call')
    .argParser(positiveDuration)
    .default(seconds * 1000, `${seconds}s`);

export const warmupOption = (seconds: number) =>
  new Option('--warmup <duration>', 'load before the baseline is taken: young processes are slow ones')
    .argParser(duration)
    .default(seconds * 1000, `${seconds}s`);

export const seedOption = () =>
  new Option('--seed <n>', 'for the random moments at which clients start').argParser(integer(0)).default(1);
