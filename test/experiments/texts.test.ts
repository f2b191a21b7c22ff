// What experiments say of themselves fits into a terminal: the help prints it as it is.
import { expect, it } from 'vitest';
import { findExperiments } from '../../scripts/experiments/index.ts';

it.each(await findExperiments())('$name: no line is longer than 80 columns', ({ about, use }) => {
  for (const line of [about, use].join('\n').split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
});
