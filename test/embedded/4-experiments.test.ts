// Experiments beside `scale` on an embedded cluster.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lab } from '../support/cli.ts';
import { dnsOutageHolds, localityHolds, passing, resolverHolds, retryHolds } from '../support/experiments.ts';
import { connectTo, LAB, leftOvers } from './support.ts';

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
dnsOutageHolds(on);

it('dns-outage passes with slow DNS, also where one that was killed has left it so: the next mends it first', async () => {
  const broken = async () => {
    const { items } = await connectTo(LAB).core.listNamespacedConfigMap({ namespace: 'kube-system' });
    return items.map(({ data }) => data?.failure).filter((failure) => failure !== undefined);
  };
  const slow = ['--by', 'slow', '--warmup', '1s', '--hold', '60s', '--name', LAB];
  await lab('experiment', ['dns-outage', ...slow], {
    signal: { name: 'SIGKILL', when: (stderr) => stderr.includes('DNS broken: watching') },
  });
  expect(await broken()).toEqual(['slow']);
  await passing(on, 'dns-outage', '--by slow --warmup 1s --hold 10s');
  expect(await broken()).toEqual([]);
});
