// A whole cluster in this process: the store, and the parts of Kubernetes that work on it.
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { admitPod } from './api/admit-pod.ts';
import { type ApiServer, type ReadLogs, startApiServer } from './api/server.ts';
import { apiServerCertificate } from './certificate.ts';
import { startControllers } from './controllers/index.ts';
import { bundlePodSide, createImageStore, startKubelet } from './kubelet/index.ts';
import { createAddresses } from './network/addresses.ts';
import { startDns } from './network/dns.ts';
import { followDnsFault } from './network/dns-fault.ts';
import { startProxy } from './network/proxy.ts';
import { createNodes, type NodeSpec } from './nodes.ts';
import { createStore } from './store.ts';

export type ClusterOptions = {
  name: string;
  /** In the environment of every process of the cluster, by which orphans are found. */
  clusterId: string;
  /** For pods' files, logs and images. */
  dir: string;
  nodes: readonly NodeSpec[];
  /** Default 100, as Kubernetes'; low in tests, so that a Service has several slices. */
  maxEndpointsPerSlice?: number;
  log: (text: string) => void;
};
export type StartedCluster = { kubeconfig: object; api: string; stop: () => Promise<void> };

const API_PORT = 6443;
/** 127.0 is everyone's, and 127.53 and 127.54 are systemd-resolved's. */
const FIRST_BLOCK = 60;
const BLOCKS = 190;

/** Resolves when the API server answers. @throws Error when no block of addresses is free. */
export async function startCluster(options: ClusterOptions): Promise<StartedCluster> {
  const { dir, log, clusterId } = options;
  const store = createStore();
  const preload = join(dir, 'preload.cjs');
  const images = createImageStore(join(dir, 'images'));
  const adminToken = randomBytes(32).toString('base64url');
  const kubelet: { readLogs: ReadLogs } = {
    readLogs: () => Promise.reject(new Error('the kubelet has not started yet')),
  };

  const bundled = bundlePodSide(preload);
  const { server, addresses, certificate } = await claimBlock(options.name, async (block) => {
    const candidate = createAddresses(block);
    const made = await apiServerCertificate(candidate.api);
    const started = await startApiServer({
      store,
      addresses: candidate,
      tls: made,
      adminToken,
      port: API_PORT,
      readLogs: (...args) => kubelet.readLogs(...args),
      log,
    });
    return { server: started, addresses: candidate, certificate: made };
  });

  createNodes(store, addresses, options.name, options.nodes);
  for (const name of ['default', 'kube-system']) {
    store.create('namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
  }
  await bundled;
  const dns = await startDns({ store, addresses, log });
  const unfollow = followDnsFault(store, dns, log);
  const proxy = startProxy({ store, log });
  const controllers = startControllers({
    store,
    addresses,
    caCertificate: certificate.ca,
    admitPod: (pod) => admitPod(store, pod),
    ...(options.maxEndpointsPerSlice ? { maxEndpointsPerSlice: options.maxEndpointsPerSlice } : {}),
    log,
  });
  const nodeAgent = startKubelet({
    store,
    addresses,
    images,
    dir: join(dir, 'pods'),
    clusterId,
    preload,
    dns: { address: dns.address, port: dns.port },
    apiServer: { host: addresses.api, port: server.port, ca: certificate.ca },
    tokenFor: server.tokenFor,
    log,
  });
  kubelet.readLogs = nodeAgent.logs;

  const api = `https://${addresses.api}:${server.port}`;
  return {
    api,
    kubeconfig: kubeconfigFor(options.name, api, certificate.ca, adminToken),
    async stop() {
      controllers.stop();
      unfollow();
      await Promise.all([nodeAgent.stop(), proxy.stop(), dns.stop(), server.stop()]);
    },
  };
}

/** The same name gets the same block, as long as nobody else has it: whoever has its API port has the block. */
async function claimBlock<T extends { server: ApiServer }>(
  name: string,
  start: (block: number) => Promise<T>,
): Promise<T> {
  const wanted = createHash('sha256').update(name).digest().readUInt32BE() % BLOCKS;
  for (let tried = 0; tried < BLOCKS; tried += 1) {
    try {
      return await start(FIRST_BLOCK + ((wanted + tried) % BLOCKS));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
  throw new Error(`port ${API_PORT} is taken in every block from 127.${FIRST_BLOCK}.0.0 on`);
}

function kubeconfigFor(cluster: string, server: string, ca: string, token: string): object {
  const name = `embedded-${cluster}`;
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name, cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } },
    ],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
}
