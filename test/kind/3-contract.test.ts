// The contract on a real cluster: what embedded is held to is true there.
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { labRoot } from '../../scripts/cluster/index.ts';
import { holdToContract } from '../contract/index.ts';
import { lab } from '../support/cli.ts';
import { kindClusters, LAB } from './support.ts';

let wasUp = false;

beforeAll(async () => {
  wasUp = (await kindClusters()).includes(LAB);
  const up = await lab('lab-up', ['--name', LAB]);
  expect(up.exitCode, up.stderr).toBe(0);
});

afterAll(async () => {
  if (!wasUp) await lab('lab-down', ['--name', LAB]);
});

holdToContract(() => ({ provider: 'kind', kubeconfig: join(labRoot(), LAB, 'kubeconfig') }));
