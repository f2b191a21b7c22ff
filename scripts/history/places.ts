// Where clients and servers of an arm are, and how near to each other.
import { eventsOf, type History } from './events.ts';
import {
  CLIENT_APP,
  changeAskedMs,
  leavingAtMs,
  type PodLife,
  podsOf,
  readyThroughout,
  SERVER_APP,
} from './pods.ts';
import { serverArmOf } from './server-arm.ts';

/** Own node, own zone, anywhere. */
export const OWN_NODE = 0;
const OWN_ZONE = 1;
const ANYWHERE = 2;

export type Places = {
  clients: readonly { client: string; node: string | undefined }[];
  servers: readonly PodLife[];
  /** True while at least one server that was surely Ready in all of this time was on the client's node. */
  hasLocal: (client: string, fromMs: number, untilMs: number) => boolean;
  /** True when no server on the client's node can have been Ready at any moment of this time. */
  lacksLocal: (client: string, fromMs: number, untilMs: number) => boolean;
  /** How near a pod is, as far as a client could know by then. */
  tierOf: (client: string, pod: string, atMs: number) => number;
  /** Since when a server may have been gone: what the change took, from then on, however late that was seen. */
  mayBeGoneMs: (pod: string) => number | undefined;
  /** Servers that were Ready from one moment to another; one that the change took is not from then on. */
  readyIn: (fromMs: number, untilMs: number) => PodLife[];
};

export function placesOf(history: History, arm: string): Places {
  const changeMs = changeAskedMs(history, arm) ?? Number.POSITIVE_INFINITY;
  const servers = podsOf(history, arm, SERVER_APP);
  const clients = podsOf(history, arm, CLIENT_APP).map(({ pod, node }) => ({ client: pod, node }));
  const nodes = new Map([
    ...servers.map(({ pod, node }) => [pod, node] as const),
    ...clients.map(({ client, node }) => [client, node] as const),
  ]);
  const zones = zonesOf(history, arm);

  const isTaken = (pod: PodLife) => (leavingAtMs(pod) ?? Number.NEGATIVE_INFINITY) >= changeMs && pod.old;
  const readyIn = (fromMs: number, untilMs: number) =>
    servers.filter((pod) => readyThroughout(pod, fromMs, untilMs) && !(isTaken(pod) && untilMs > changeMs));
  const isLocal = (client: string, { node }: PodLife) => node !== undefined && node === nodes.get(client);

  return {
    clients,
    servers,
    mayBeGoneMs: (pod) => {
      const life = servers.find((each) => each.pod === pod);
      return life && (isTaken(life) ? changeMs : leavingAtMs(life));
    },
    readyIn,
    hasLocal: (client, fromMs, untilMs) => readyIn(fromMs, untilMs).some((pod) => isLocal(client, pod)),
    lacksLocal: (client, fromMs, untilMs) =>
      !servers.some(
        (pod) =>
          isLocal(client, pod) &&
          pod.ready.some(
            (span) => span.fromMs <= untilMs && (span.toMs ?? Number.POSITIVE_INFINITY) >= fromMs,
          ),
      ),
    tierOf: (client, pod, atMs) => {
      const [own, its] = [nodes.get(client), nodes.get(pod)];
      if (own === undefined || its === undefined) return ANYWHERE;
      if (own === its) return OWN_NODE;
      const [ownZone, itsZone] = [zones.get(own), zones.get(its)];
      const isKnown = ownZone !== undefined && ownZone.sinceMs <= atMs;
      return isKnown && ownZone.zone === itsZone?.zone ? OWN_ZONE : ANYWHERE;
    },
  };
}

/** Zones of nodes, and since when they are known: a node's zone is told by the endpoints on it and by nothing else. */
function zonesOf(history: History, arm: string): Map<string, { zone: string; sinceMs: number }> {
  const zones = new Map<string, { zone: string; sinceMs: number }>();
  for (const { arm: of, atMs, endpoints } of eventsOf(history, 'endpoints')) {
    if (of !== serverArmOf(history, arm)) continue;
    for (const { node, zone, ready } of endpoints) {
      if (ready && node !== undefined && zone !== undefined && !zones.has(node))
        zones.set(node, { zone, sinceMs: atMs });
    }
  }
  return zones;
}
