// Configuration comes from the environment, is checked as a whole before anything starts, and an empty variable
// counts as unset (a manifest can then name every variable).
import { z } from 'zod';

/** A whole number between `min` and `max`. */
export function wholeNumber(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message);
}

/** 0 lets the system choose. */
export const port = wholeNumber(0, 65_535);

/** Milliseconds; the bound is the longest time a timer can wait. */
export const durationMs = wholeNumber(0, 2_147_483_647);

/** @throws Error with one line that names every variable that is wrong. */
export function parseEnv<T>(schema: z.ZodType<T>, env: NodeJS.ProcessEnv): T {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const result = schema.safeParse(set);
  if (result.success) return result.data;
  throw new Error(
    result.error.issues
      .map(({ path, message }) => {
        const name = path.join('.');
        const value = set[name];
        return `${name} ${message}${value === undefined ? '' : `, not ${JSON.stringify(value)}`}`;
      })
      .join('; '),
  );
}

/** `parse`, or one line on stderr and exit code 2. */
export function configured<T>(service: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    process.stderr.write(`${service}: ${(error as Error).message}\n`);
    process.exit(2);
  }
}
