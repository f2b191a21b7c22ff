// The contract on embedded: the cases that real Kubernetes passes.
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { labRoot } from '../../scripts/cluster/index.ts';
import { holdToContract } from '../contract/index.ts';
import { lab } from '../support/cli.ts';

const name = `contract-${process.pid}`;

beforeAll(async () => {
  const up = await lab('lab-up', ['--provider', 'embedded', '--name', name]);
  expect(up.exitCode, up.stderr).toBe(0);
});

afterAll(async () => {
  const down = await lab('lab-down', ['--name', name]);
  expect(down.exitCode, down.stderr).toBe(0);
});

holdToContract(() => ({ provider: 'embedded', kubeconfig: join(labRoot(), name, 'kubeconfig') }));
