// A node that is lost: whose pods restart, or only fall silent.
import { expect, it } from 'vitest';
import type { NodeFailure } from '../../scripts/cluster/index.ts';
import { nodeFault } from '../../scripts/faults/index.ts';

it.each<[NodeFailure, object, string]>([
  ['partition', { silences: ['a', 'b'] }, 'worker2 is cut off from the network'],
  ['stop', { restarts: ['a', 'b'] }, 'worker2 stops'],
])('%s', async (failure, effect, detail) => {
  const did: unknown[] = [];
  const nodes = {
    fail: async (...what: unknown[]) => void did.push(what),
    mend: async () => void did.push('mended'),
  };
  const fault = nodeFault(nodes, { arm: 'keepalive', node: 'worker2', failure, pods: ['a', 'b'] });
  const { inject, heal, ...told } = fault;
  expect(told).toEqual({ name: `node-${failure}`, arm: 'keepalive', detail, pods: ['a', 'b'], ...effect });
  await inject();
  await heal();
  expect(did).toEqual([['worker2', failure], 'mended']);
});
