// Command-line options that several commands share, and what npm does to those that come without `--`.
import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { parseDurationMs } from './duration.ts';
import { EXIT, LabError, messageOf } from './errors.ts';

/**
 * A command that ends with exit code 2 on anything that it does not know, naming what is nearest.
 *
 * @param npmScript as which a person runs it: `npm run lab:up`.
 */
export function labCommand(npmScript: string, description: string) {
  return (
    new Command(`npm run ${npmScript} --`)
      .description(description)
      .option('--debug', 'show stack traces')
      // Counted by refuseMisuse: only after what npm has swallowed is the one argument too many understood.
      .allowExcessArguments()
      .showHelpAfterError('(--help lists the options)')
      .helpOption('-h, --help', 'show this help')
      .configureHelp({ helpWidth: 80 })
      .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.pass : EXIT.usage))
  );
}

/** Parser of a whole number between two others. */
export const integer =
  (min: number, max = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
      throw new InvalidArgumentError(`It must be a whole number ${range}.`);
    }
    return value;
  };

/** Parser of `10s`, `500ms`, `2m` to milliseconds. */
export const duration = (text: string): number => {
  try {
    return parseDurationMs(text);
  } catch (error) {
    throw new InvalidArgumentError(`${messageOf(error)}. Write it as 500ms, 10s or 2m.`);
  }
};

/** The same, without 0s. */
export const positiveDuration = (text: string): number => {
  const ms = duration(text);
  if (ms === 0) throw new InvalidArgumentError('It must be more than 0s.');
  return ms;
};

/** Most arms of a kind that one small machine can bear. */
const MOST_DURATIONS = 5;

/** Parser of `5s,30s`. */
export function durations(text: string): number[] {
  const parts = text.split(',').filter(Boolean);
  if (parts.length === 0 || parts.length > MOST_DURATIONS) {
    throw new InvalidArgumentError(`Name 1 to ${MOST_DURATIONS} of them, as 5s,30s.`);
  }
  return parts.map(positiveDuration);
}

/**
 * An option that takes a duration.
 *
 * @param byDefault as one would type it.
 */
export const durationOption = <Flag extends string>(flag: Flag, description: string, byDefault: string) =>
  new Option(`${flag} <duration>` as const, description)
    .argParser(duration)
    .default(duration(byDefault), byDefault);

/** The same of a duration above 0s. */
export const positiveDurationOption = <Flag extends string>(
  flag: Flag,
  description: string,
  byDefault: string,
) =>
  new Option(`${flag} <duration>` as const, description)
    .argParser(positiveDuration)
    .default(positiveDuration(byDefault), byDefault);

/** Parser of a duration above 0s or `off`. */
export const durationOrOff = (text: string): number | 'off' =>
  text === 'off' ? 'off' : positiveDuration(text);

export const jsonOption = () =>
  new Option('--json', 'print one JSON document on stdout, all else on stderr (use npm run -s)');

/** @param providers their names; the first is what is taken where nothing is said. */
export const providerOption = <Name extends string>(providers: readonly Name[]) =>
  new Option(
    '--provider <provider>',
    'what the cluster is made with; default: LAB_PROVIDER, or what is there',
  )
    .choices(providers)
    .env('LAB_PROVIDER');

type Parsed = {
  options: readonly { long?: string | undefined; required: boolean }[];
  args: readonly string[];
  registeredArguments: readonly { variadic: boolean }[];
  error: (message: string) => never;
};

/**
 * Refuses arguments that a command does not take, and options that never reached it: `npm run x --from 5` passes only
 * "5" on and keeps `--from` for itself, as npm_config_from. The command would run with other settings than its user
 * typed.
 *
 * @throws LabError `usage` naming the options that npm took and what to type.
 */
export function refuseMisuse(command: Parsed, npmScript: string): void {
  const taken = swallowedOptions(command, npmScript);
  const takesAny = command.registeredArguments.at(-1)?.variadic ?? false;
  const tooMany = takesAny ? [] : command.args.slice(command.registeredArguments.length);
  if (taken.length > 0) {
    // Values without their options: whose they are is not known.
    const words = process.argv.slice(2).filter((word) => !tooMany.includes(word));
    throw new LabError('usage', `npm took ${taken.join(', ')} for itself`, {
      hint: `Put -- before the options: npm run ${npmScript} -- ${[...words, ...taken.map((long) => `${long} …`)].join(' ')}`,
    });
  }
  if (tooMany.length > 0) command.error(`error: this is not understood: ${tooMany.join(' ')}`);
}

function swallowedOptions({ options }: Parsed, npmScript: string): string[] {
  // Only what `npm run` itself was given: a lab command started by another program has inherited its environment.
  if (process.env.npm_lifecycle_event !== npmScript) return [];
  const configured = Object.keys(process.env);
  return options.flatMap(({ long, required }) => {
    if (!long || process.argv.includes(long)) return [];
    const key = `npm_config_${long.replace(/^--(no-)?/, '').replaceAll('-', '_')}`;
    // npm completes what could be the beginning of an option of its own: --to is --token-description to it.
    const isTaken = (name: string) => name === key || (required && name.startsWith(key));
    return configured.some(isTaken) ? [long] : [];
  });
}
