// Experiments beside `scale` on a real cluster: those that show the library. The others are held to it on an embedded one,
// and all of them by `npm run proof -- --all 2`.
import { afterAll, beforeAll, expect } from 'vitest';
import { lab } from '../support/cli.ts';
import { localityHolds, resolverHolds } from '../support/experiments.ts';
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

const on = { name: LAB, leftOvers };
resolverHolds(on);
localityHolds(on);
