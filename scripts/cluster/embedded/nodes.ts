// The cluster's nodes: names, labels and taints as kind gives them; all of them this machine.
import { cpus, totalmem } from 'node:os';
import { KUBERNETES_VERSION } from './api/discovery.ts';
import type { Addresses } from './network/addresses.ts';
import { type Store, wireTime } from './store.ts';

export type NodeSpec = { role: 'control-plane' | 'worker'; labels: Record<string, string> };

const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';
/** The kubelet's default. */
const PODS_PER_NODE = 110;

/** Creates the Node objects, Ready. */
export function createNodes(
  store: Store,
  addresses: Addresses,
  cluster: string,
  nodes: readonly NodeSpec[],
): void {
  const seen = { 'control-plane': 0, worker: 0 };
  for (const [index, { role, labels }] of nodes.entries()) {
    seen[role] += 1;
    const name = `${cluster}-${role}${seen[role] > 1 ? seen[role] : ''}`;
    createNode(store, name, addresses.node(index), role, labels);
  }
}

function createNode(
  store: Store,
  name: string,
  address: string,
  role: NodeSpec['role'],
  labels: Record<string, string>,
): void {
  const now = wireTime(new Date());
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const quantities = {
    cpu: String(cpus().length),
    memory: `${Math.floor(totalmem() / 1024)}Ki`,
    pods: String(PODS_PER_NODE),
  };
  const condition = (type: string, status: string, reason: string, message: string) => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  });
  store.create('nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/arch': arch,
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': process.platform,
        ...(role === 'control-plane' ? { [CONTROL_PLANE]: '' } : {}),
        ...labels,
      },
    },
    spec: {
      providerID: `embedded://${name}`,
      ...(role === 'control-plane' ? { taints: [{ key: CONTROL_PLANE, effect: 'NoSchedule' }] } : {}),
    },
    status: {
      addresses: [
        { type: 'InternalIP', address },
        { type: 'Hostname', address: name },
      ],
      allocatable: quantities,
      capacity: quantities,
      conditions: [
        condition(
          'MemoryPressure',
          'False',
          'KubeletHasSufficientMemory',
          'kubelet has sufficient memory available',
        ),
        condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
        condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
        condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
      ],
      nodeInfo: {
        architecture: arch,
        bootID: '',
        containerRuntimeVersion: `node://${process.version}`,
        kernelVersion: '',
        kubeProxyVersion: '',
        kubeletVersion: KUBERNETES_VERSION,
        machineID: '',
        operatingSystem: process.platform,
        osImage: 'embedded',
        systemUUID: '',
      },
    },
  });
}
