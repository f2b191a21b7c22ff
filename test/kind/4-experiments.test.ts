// Experiments beside `scale` on a real cluster: one that shows kube-proxy, one that shows CoreDNS. The others are held to
// it on an embedded one, and all of them by `npm run proof -- --all 2`.
import { expect, it } from 'vitest';
import { passing } from '../support/passing.ts';
import { LAB, leftOvers, withLab } from './support.ts';

withLab();

const on = { name: LAB, leftOvers };

it('distribution passes: one pod for a connection, all for round robin, at random over a ClusterIP', async () => {
  const { tables } = await passing(on, 'distribution', '--servers 3 --channels 15 --window 6s --warmup 3s');
  const connections = tables[0]?.rows.map((row) => row.at(-1)).filter(Boolean);
  expect(connections).toEqual(['1', '1', '1', '3', '15', '15', '15', '45']);
});

it('dns passes: the answers of CoreDNS follow the EndpointSlices, and no headless Service has a port of the nodes', async () => {
  const { tables } = await passing(on, 'dns', '--from 1 --to 3 --settle 3s');
  const facts = tables[1]?.rows ?? [];
  expect(facts).toContainEqual(['cluster-ip of type NodePort', 'accepted', 'accepted']);
  expect(facts).toContainEqual(['headless of type NodePort', 'refused', 'refused']);
});
