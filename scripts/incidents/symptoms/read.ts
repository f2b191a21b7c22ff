// Reads what the two clients of a world see: the one that was connected before, and a fresh channel.
import { setTimeout as delay } from 'node:timers/promises';
import type {
  SocketsAnswer,
  WorkloadRequest,
  WorkloadSpec,
  WorkloadStatus,
} from '../../../services/protocol/index.ts';
import {
  type ClusterApi,
  isPodReady,
  NAME_LABEL,
  type PodProxy,
  podProxy,
  readToken,
} from '../../cluster/index.ts';
import { waitFor } from '../../common/wait.ts';
import { earlierClient, type World } from '../world.ts';
import { type Reading, readingBetween } from './reading.ts';

/** Id of the workload that a greeter-client runs of its own accord. */
const OWN = 'app';
/** Beyond the deadline: for the call that was started last. */
const MARGIN_MS = 500;
const SHORTEST_WINDOW_MS = 2500;
/** A fresh channel calls at least so often: what it sees has to show in one window. */
const LEAST_RATE = 10;
/** A client whose event loop is blocked answers when it gets to it. */
const SLOW_MS = 30_000;

export type Moment = { status: WorkloadStatus; connections: number };

export type Clients = Awaited<ReturnType<typeof openClients>>;

/** @throws LabError `lost` when a client cannot be reached. */
export async function openClients(api: ClusterApi, world: World, signal: AbortSignal) {
  const namespace = world.clientNamespace;
  const proxy = await podProxy(api.kubeConfig, await readToken(api), namespace);
  const podOf = (deployment: string) => readyPod(api, namespace, deployment, signal);
  let opened = 0;

  return {
    /** How the client that was connected before is doing, from its start on. */
    async connected(): Promise<Moment> {
      return momentOf(proxy, await podOf(earlierClient(world)), OWN, signal);
    },
    /** The same of the client itself, whose channel is as old as its settings. */
    async own(): Promise<Moment> {
      return momentOf(proxy, await podOf(world.client), OWN, signal);
    },
    /** Opens a channel with the settings of the client as they are now, lets it call for a while, and closes it. */
    async fresh(): Promise<Reading> {
      const pod = await podOf(world.client);
      const spec = await proxy.json<WorkloadSpec>(pod, {
        path: `/workloads/${OWN}/spec`,
        timeoutMs: SLOW_MS,
        signal,
      });
      opened += 1;
      const id = `fresh-${process.pid}-${opened}`;
      const request: WorkloadRequest = {
        ...spec,
        id,
        ratePerSecond: Math.max(spec.ratePerSecond, LEAST_RATE),
        record: false,
      };
      const before = await connectionsOf(proxy, pod, signal);
      await proxy.json(pod, {
        method: 'POST',
        path: '/workloads',
        body: request,
        timeoutMs: SLOW_MS,
        signal,
      });
      const stop = () =>
        proxy.json<WorkloadStatus>(pod, {
          method: 'DELETE',
          path: `/workloads/${id}`,
          timeoutMs: spec.deadlineMs + SLOW_MS,
        });
      try {
        await delay(Math.max(SHORTEST_WINDOW_MS, spec.deadlineMs + MARGIN_MS), undefined, { signal });
        const connections = await connectionsOf(proxy, pod, signal);
        // Calls in flight are counted too: they end before the workload has.
        return readingBetween(undefined, await stop(), connections - before);
      } catch (error) {
        await stop();
        throw error;
      }
    },
  };
}

async function momentOf(proxy: PodProxy, pod: string, id: string, signal: AbortSignal): Promise<Moment> {
  const [status, connections] = await Promise.all([
    proxy.json<WorkloadStatus>(pod, { path: `/workloads/${id}`, timeoutMs: SLOW_MS, signal }),
    connectionsOf(proxy, pod, signal),
  ]);
  return { status, connections };
}

async function connectionsOf(proxy: PodProxy, pod: string, signal: AbortSignal): Promise<number> {
  const { states } = await proxy.json<SocketsAnswer>(pod, { path: '/sockets', timeoutMs: SLOW_MS, signal });
  return states.ESTABLISHED ?? 0;
}

async function readyPod(
  api: ClusterApi,
  namespace: string,
  deployment: string,
  signal: AbortSignal,
): Promise<string> {
  const labelSelector = `${NAME_LABEL}=${deployment}`;
  return waitFor(
    `a pod of ${deployment}`,
    async () => {
      const { items } = await api.core.listNamespacedPod({ namespace, labelSelector });
      const pod = items.find((each) => isPodReady(each) && !each.metadata?.deletionTimestamp);
      return pod?.metadata?.name ? { done: pod.metadata.name } : { waiting: 'none is Ready' };
    },
    { timeoutMs: 20_000, signal },
  );
}
