// Who comes first where the nodes share a laptop's few cores. Shares and weights count only while CPU is short.
import { tryRun } from '../../common/run.ts';

/** Docker's default for a container. */
const DEFAULT_SHARES = 1024;
/**
 * While images are unpacked on the workers, which takes all the CPU that there is, kubeadm is at work on the control
 * plane, on which everything waits: it comes first.
 */
const YIELDING_SHARES = 64;

const setShares = (nodes: readonly string[], shares: number) =>
  tryRun(['docker', 'update', '--cpu-shares', `${shares}`, ...nodes]);

/** Until it is disposed of, the nodes get CPU only where others leave it. */
export async function yieldCpu(nodes: readonly string[]): Promise<AsyncDisposable> {
  await setShares(nodes, YIELDING_SHARES);
  return {
    [Symbol.asyncDispose]: async () => {
      await setShares(nodes, DEFAULT_SHARES);
    },
  };
}

/**
 * On a node of 16 cores, pods have 16 times the CPU shares of the container runtime; on one of two cores, pods that
 * start would take the CPU from those that serve. This gives pods on the nodes the precedence that they have on
 * large ones. systemd keeps it when a node starts again. A node without systemd stays as it is.
 */
export async function putPodsFirst(nodes: readonly string[]): Promise<void> {
  await Promise.all(
    nodes.flatMap((node) => [
      tryRun(['docker', 'exec', node, 'systemctl', 'set-property', 'kubelet.slice', 'CPUWeight=1000']),
      tryRun(['docker', 'exec', node, 'systemctl', 'set-property', 'kubelet.service', 'CPUWeight=20']),
    ]),
  );
}
