// Runs of experiments on whichever provider: what they find, and what they leave behind.
import { expect } from 'vitest';
import { RunDocument } from '../../scripts/report/index.ts';
import { lab } from './cli.ts';

type On = {
  /** Of the lab. */
  name: string;
  /** What runs have deployed and not removed, `[]` or `''` when nothing. */
  leftOvers: () => Promise<unknown>;
};

/** One run, that passes. */
export async function passing(
  { name, leftOvers }: On,
  experiment: string,
  args: string,
): Promise<RunDocument> {
  const words = args.split(' ').filter(Boolean);
  const result = await lab('experiment', [experiment, ...words, '--name', name, '--json']);
  expect(result.stdout, result.stderr).not.toBe('');
  const document = RunDocument.parse(JSON.parse(result.stdout));
  expect(document.verdict, document.reasons.join('\n')).toBe('pass');
  expect(result.exitCode).toBe(0);
  expect(await leftOvers()).toHaveLength(0);
  return document;
}
