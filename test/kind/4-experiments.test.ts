// Experiments beside `scale` on a real cluster: one that shows the library, one that embedded cannot hold. The others are
// held to it there, and all of them by `npm run proof -- --all 2`.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lab } from '../support/cli.ts';
import { passing, resolverHolds } from '../support/experiments.ts';
import { kindClusters, kubectl, LAB, leftOvers } from './support.ts';

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

it('dns-outage passes, also where one that was killed has left DNS broken: the next mends it first', async () => {
  const corefile = () => kubectl(['-n', 'kube-system', 'get', 'configmap', 'coredns', '-o', 'yaml']);
  const before = await corefile();
  await lab('experiment', ['dns-outage', '--warmup', '1s', '--hold', '60s', '--name', LAB], {
    signal: { name: 'SIGKILL', when: (stderr) => stderr.includes('DNS broken: watching') },
  });
  expect(await corefile()).toContain('rcode SERVFAIL');
  const { arms } = await passing(on, 'dns-outage', '--warmup 3s --hold 8s');
  expect(arms.map(({ arm }) => arm)).toEqual(['connected', 'max-age', 'late', 'late-watch', 'late-address']);
  expect(dataOf(await corefile())).toBe(dataOf(before));
});

/** Without what changes with every write. */
const dataOf = (yaml: string): string => yaml.slice(0, yaml.indexOf('\nkind:'));
