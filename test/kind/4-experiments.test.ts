// Experiments beside `scale` on a real cluster: one of each kind. The others are held to it on an embedded one.
import { afterAll, beforeAll, expect } from 'vitest';
import { lab } from '../support/cli.ts';
import { localityHolds, passes, resolverHolds } from '../support/experiments.ts';
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
passes(on, 'distribution', '');
passes(on, 'probes', '');
