// Which node goes: a worker that has servers, and none of the clients.
import type { ClusterApi } from '../../cluster/index.ts';
import { LabError } from '../../common/errors.ts';
import type { PodSeen } from '../../history/index.ts';

export type Chosen = {
  node: string;
  /** The servers on it. */
  pods: string[];
};

const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';

/**
 * @param clients and servers of the run.
 * @throws LabError `failed` when every server is on a node with a client, or on a control plane.
 */
export async function chooseNode(
  api: ClusterApi,
  { clients, servers }: { clients: readonly PodSeen[]; servers: readonly PodSeen[] },
): Promise<Chosen> {
  const controlPlanes = await api.core.listNode({ labelSelector: CONTROL_PLANE });
  const needed = new Set([
    ...clients.map(({ node }) => node),
    ...controlPlanes.items.map(({ metadata }) => metadata?.name),
  ]);
  const [pod] = servers.filter(({ node }) => node !== undefined && !needed.has(node));
  if (pod?.node === undefined) {
    throw new LabError('failed', 'no worker has a server and no client: none can be lost', {
      hint: 'It takes two workers or more in kind.yaml.',
    });
  }
  const { node } = pod;
  return { node, pods: servers.filter((each) => each.node === node).map((each) => each.pod) };
}
