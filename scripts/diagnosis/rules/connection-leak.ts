import type { ClientFacts } from '../facts.ts';
import type { Evidence, Rule } from '../rule.ts';
import { type Situation, serversOf } from '../situation/index.ts';
import { count } from '../words.ts';
import { failing, failureEvidence, servicesOf } from './say.ts';

/** What a system says that has no port or file left. */
const EXHAUSTED =
  /EADDRNOTAVAIL|EMFILE|ENFILE|too many open files|cannot assign requested address|address not available|no file descriptors/i;
/** As many connections as a client may well have. */
const FEW = 50;
/** How many times what its channels need is no accident. */
const MANY_TIMES = 4;
/** Of the files that a process may have open. */
const MOST_OF = 0.8;
/** A connection for each call that is closed again stays in this state for a minute. */
const MANY_CLOSED = 500;

/** The client opens connection upon connection. */
export const connectionLeak: Rule = {
  cause: 'connection-leak',
  judge: (situation) => {
    const exhausted = failing(situation, EXHAUSTED);
    const seen = situation.agents.map((agent) => leakOf(situation, agent)).find(Boolean);
    if (exhausted.length === 0 && !seen) return undefined;
    const { ref } = situation.client;
    return {
      cause: 'connection-leak',
      certainty: 'certain',
      summary: seen?.summary ?? `the client ${ref} has no port or file left for another connection`,
      evidence: [
        ...(seen?.evidence ?? []),
        ...failureEvidence(exhausted, 'no port or file is left for another connection'),
      ],
      fix: `let the client ${ref} make one channel per target, with its credentials, when it starts, and use it for all calls; close those that it does not need`,
    };
  },
};

function leakOf(
  situation: Situation,
  { pod, sockets, workloads, process }: ClientFacts,
): { summary: string; evidence: Evidence[] } | undefined {
  if (!sockets) return undefined;
  const servers = new Set(
    servicesOf(situation).flatMap((service) => [
      ...service.clusterIPs,
      ...serversOf(service).flatMap(({ ips }) => ips),
      ...service.endpoints.map(({ address }) => address),
    ]),
  );
  const toServers = sockets.connections.filter(({ remoteAddress }) => servers.has(remoteAddress));
  const inState = (state: string) => toServers.filter((each) => each.state === state).length;
  const [open, closed] = [inState('ESTABLISHED') + inState('CLOSE_WAIT'), inState('TIME_WAIT')];
  const endpoints = Math.max(1, ...servicesOf(situation).map(({ pods }) => pods.length));
  const channels = workloads.reduce(
    (sum, { spec }) => sum + (spec.channelPer === 'call' ? 1 : spec.channels),
    0,
  );
  const needed = Math.max(1, channels) * endpoints;
  const files = process?.openFiles;
  const isFull = files?.limit !== undefined && files.open >= MOST_OF * files.limit;
  const isMany = open >= FEW && open >= MANY_TIMES * needed;
  const isChurning = closed >= MANY_CLOSED && closed >= MANY_TIMES * needed;
  if (!isMany && !isChurning && !(isFull && open >= FEW)) return undefined;
  const range = sockets.portRange;
  return {
    summary: isMany
      ? `${pod} has ${count(open, 'connection')} to its servers, where ${needed} would do`
      : `${pod} makes connection after connection: ${closed} were closed in the last minute`,
    evidence: [
      {
        fact: `sockets of ${pod}`,
        value: `${open} open, ${closed} in TIME_WAIT to the servers`,
        says: `${count(Math.max(1, channels), 'channel')} to ${count(endpoints, 'pod')} need ${needed} at most`,
      },
      ...(sockets.channelz
        ? [
            {
              fact: `channelz of ${pod}`,
              value: `${count(sockets.channelz.channels, 'channel')}, ${count(sockets.channelz.connections, 'connection')}`,
              says: 'channels that are not closed keep their connections',
            },
          ]
        : []),
      ...(files
        ? [
            {
              fact: `open files of ${pod}`,
              value: `${files.open} of ${files.limit ?? 'no limit'}`,
              says: 'each connection is one',
            },
          ]
        : []),
      ...(range
        ? [
            {
              fact: `ports of ${pod}`,
              value: `${range[0]} to ${range[1]}`,
              says: 'each connection to an address and port takes one',
            },
          ]
        : []),
    ],
  };
}
