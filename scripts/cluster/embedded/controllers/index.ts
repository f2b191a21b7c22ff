// The control plane's loops: each brings what is into line with what is asked for, and knows of the others only by
// what the store says.
import type { Addresses } from '../network/addresses.ts';
import type { Store } from '../store.ts';
import { startDeploymentController } from './deployment.ts';
import { startEndpointSliceController } from './endpoint-slice.ts';
import { startEventExpiry } from './event-expiry.ts';
import { startGarbageCollector } from './garbage-collector.ts';
import { startNamespaceController } from './namespace.ts';
import type { Log, Running } from './queue.ts';
import { type AdmitPod, startReplicaSetController } from './replica-set.ts';
import { startScheduler } from './scheduler.ts';
import { startServiceController } from './service.ts';

export type ControllerOptions = {
  store: Store;
  addresses: Addresses;
  /** PEM, for the ConfigMap `kube-root-ca.crt` of each namespace. */
  caCertificate: string;
  /** Default: 100, as in Kubernetes. */
  maxEndpointsPerSlice?: number;
  /** What the API would do to a pod that is created; refuses it by throwing an ApiError. Default: nothing. */
  admitPod?: AdmitPod;
  log: Log;
};

/** Starts on what the store has already, and follows it until stopped. */
export function startControllers(options: ControllerOptions): Running {
  const {
    store,
    addresses,
    caCertificate,
    maxEndpointsPerSlice = 100,
    admitPod = (pod) => pod,
    log,
  } = options;
  const running = [
    startNamespaceController(store, log, caCertificate),
    startServiceController(store, log, addresses),
    startDeploymentController(store, log),
    startReplicaSetController(store, log, admitPod),
    startScheduler(store, log),
    startEndpointSliceController(store, log, maxEndpointsPerSlice),
    startGarbageCollector(store, log),
    startEventExpiry(store),
  ];
  return {
    stop(): void {
      for (const { stop } of running) stop();
    },
  };
}
