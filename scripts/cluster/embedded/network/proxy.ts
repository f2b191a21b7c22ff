// ClusterIPs: what kube-proxy is to a cluster. A Service's address is one of loopback; each of its TCP ports is
// listened on while the Service has an endpoint, and every connection goes to one of them, picked at random. Where
// this differs from rules in the kernel: a connection is accepted before its endpoint is, so that an endpoint that
// refuses is a reset to the client. And a client that internalTrafficPolicy: Local leaves without an endpoint, whose
// packets kube-proxy drops, is accepted and hears nothing, until one comes up on its node.
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { unservablePorts } from '../cluster-ip.ts';
import { hasEnded, type Service } from '../objects.ts';
import type { Change, Store } from '../store.ts';
import {
  type ClientPlace,
  hasEndpoints,
  SERVICE_NAME,
  type ServicePort,
  slicesOf,
  usableEndpoints,
} from './endpoints.ts';
import { forward, hold, reset } from './proxy-connection.ts';

type ProxyOptions = { store: Store; log: (text: string) => void };
export type ClusterProxy = { stop(): Promise<void> };

/** A port in use is tried again after this long. */
const RETRY_MS = 1000;
const ZONE = 'topology.kubernetes.io/zone';

export function startProxy({ store, log }: ProxyOptions): ClusterProxy {
  const services = new Map<string, ServiceProxy>();
  const serviceAt = (namespace: string, name: string) => {
    const key = `${namespace}/${name}`;
    const known = services.get(key) ?? serviceProxy({ store, log }, namespace, name);
    services.set(key, known);
    return known;
  };
  const onChange = ({ resource, object, before }: Change) => {
    for (const { metadata } of before ? [before, object] : [object]) {
      const name = resource === 'endpointslices' ? metadata.labels?.[SERVICE_NAME] : metadata.name;
      if ((resource === 'endpointslices' || resource === 'services') && name)
        serviceAt(metadata.namespace ?? '', name).sync();
    }
  };
  const unlisten = store.listen(onChange);
  for (const { metadata } of store.list('services'))
    serviceAt(metadata.namespace ?? '', metadata.name).sync();
  return {
    async stop() {
      unlisten();
      await Promise.all([...services.values()].map((service) => service.stop()));
    },
  };
}

type ServiceProxy = ReturnType<typeof serviceProxy>;

/** One Service's listeners. It outlives the Service, whose name may come back. */
function serviceProxy({ store, log }: ProxyOptions, namespace: string, name: string) {
  /** By address and port. */
  const listeners = new Map<string, Server>();
  const connections = new Set<Socket>();
  /** Clients that no endpoint may serve, with what lets them go. */
  const held = new Map<Socket, { port: number; letGo: () => void }>();
  const told = new Set<string>();
  let retry: NodeJS.Timeout | undefined;
  let stopped = false;
  let changed = false;
  let syncing: Promise<void> | undefined;

  const current = () => store.get('services', namespace, name);
  const tellOnce = (text: string) => {
    if (!told.has(text)) log(`proxy: Service ${namespace}/${name}: ${text}`);
    told.add(text);
  };

  /** Brings the listeners in line with the store, soon. What changes meanwhile is not missed: it goes round again. */
  function sync(): void {
    changed = true;
    syncing ??= syncUntilDone();
  }
  async function syncUntilDone(): Promise<void> {
    while (changed) {
      // Not within the store's call; and what changes in one go is seen once.
      await Promise.resolve();
      changed = false;
      await reconcile().catch((error) => log(`proxy: Service ${namespace}/${name}: ${error}`));
    }
    syncing = undefined;
  }

  async function reconcile(): Promise<void> {
    clearTimeout(retry);
    const service = stopped ? undefined : current();
    for (const port of service ? unservablePorts(service) : []) {
      tellOnce(`port ${port} cannot be served: only root may listen on ports below 1024`);
    }
    const wanted = service ? servedPorts(store, service) : new Map<string, Listen>();
    for (const [key, listener] of listeners) {
      if (wanted.has(key)) continue;
      // It is closed by the time this returns; the connections that came through it stay.
      listener.close();
      listeners.delete(key);
    }
    for (const [key, listen] of wanted) {
      if (!listeners.has(key)) await open(key, listen);
    }
    for (const [client, { port, letGo }] of [...held]) {
      letGo();
      held.delete(client);
      route(client, port);
    }
  }

  async function open(key: string, { host, port }: Listen): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      track(client);
      route(client, port);
    });
    try {
      server.listen({ host, port });
      await once(server, 'listening');
      // An accept that failed (too many open files) is the client's to see.
      server.on('error', (error) => log(`proxy: ${key}: ${error.message}`));
      listeners.set(key, server);
    } catch (error) {
      tellOnce(`${error instanceof Error ? error.message : error}; trying again every ${RETRY_MS} ms`);
      if (!stopped) retry = setTimeout(sync, RETRY_MS);
    }
  }

  function track(socket: Socket): void {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    socket.on('error', () => {});
  }

  /** Finds an endpoint for a client, or none. */
  function route(client: Socket, servicePort: number): void {
    const service = current();
    const port = service?.spec?.ports?.find((each) => isTcp(each) && each.port === servicePort);
    const slices = service ? slicesOf(store, service) : [];
    if (!service || !port || stopped || !hasEndpoints(port, slices)) {
      reset(client);
      return;
    }
    const usable = usableEndpoints(service, port, slices, placeOf(store, service, client.remoteAddress));
    const chosen = usable[Math.floor(Math.random() * usable.length)];
    if (chosen) {
      const upstream = forward(client, chosen);
      if (upstream) track(upstream);
    } else {
      held.set(client, { port: servicePort, letGo: hold(client, () => held.delete(client)) });
    }
  }

  return {
    sync,
    async stop(): Promise<void> {
      stopped = true;
      sync();
      await syncing;
      clearTimeout(retry);
      for (const socket of connections) socket.destroy();
    },
  };
}

type Listen = { host: string; port: number };

const isTcp = ({ protocol }: ServicePort): boolean => (protocol ?? 'TCP') === 'TCP';

/** Where a Service is to be listened for: on its TCP ports that have an endpoint somewhere. */
function servedPorts(store: Store, service: Service): Map<string, Listen> {
  const { clusterIP: host, ports = [] } = service.spec ?? {};
  if (!host || host === 'None') return new Map();
  const unservable = unservablePorts(service);
  const slices = slicesOf(store, service);
  return new Map(
    ports
      .filter((port) => isTcp(port) && !unservable.includes(port.port) && hasEndpoints(port, slices))
      .map(({ port }) => [`${host}:${port}`, { host, port }]),
  );
}

/** The node and zone of the pod that an address belongs to, where they matter to the Service. */
function placeOf(store: Store, { spec }: Service, address: string | undefined): ClientPlace {
  if (spec?.internalTrafficPolicy !== 'Local' && !spec?.trafficDistribution) return {};
  const pod = store.list('pods').find((each) => each.status?.podIP === address && !hasEnded(each));
  const node = pod?.spec?.nodeName;
  return node ? { node, zone: store.get('nodes', '', node)?.metadata.labels?.[ZONE] } : {};
}
