// The experiments beside `scale` on a real cluster.
import { afterAll, beforeAll, expect } from 'vitest';
import { lab } from '../support/cli.ts';
import { experimentsHold } from '../support/experiments.ts';
import { kindClusters, LAB, leftOvers } from './support.ts';

let wasUp = false;

beforeAll(async () => {
  wasUp = (await kindClusters()).includes(LAB);
  const up = await lab('lab-up', ['--name', LAB]);
  expect(up.exitCode, up.stderr).toBe(0);
});

afterAll(async () => {
  if (!wasUp) await lab('lab-down', ['--name', LAB]);
});

experimentsHold(LAB, leftOvers);
