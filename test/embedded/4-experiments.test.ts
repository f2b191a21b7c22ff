// Experiments beside `scale` on an embedded cluster.
import { afterAll, beforeAll, expect } from 'vitest';
import { lab } from '../support/cli.ts';
import { localityHolds, resolverHolds, retryHolds } from '../support/experiments.ts';
import { LAB, leftOvers } from './support.ts';

beforeAll(async () => {
  const up = await lab('lab-up', ['--name', LAB, '--provider', 'embedded']);
  expect(up.exitCode, up.stderr).toBe(0);
});

afterAll(async () => {
  await lab('lab-down', ['--name', LAB]);
});

const on = { name: LAB, leftOvers: () => leftOvers(LAB) };
resolverHolds(on);
localityHolds(on);
retryHolds(on);
