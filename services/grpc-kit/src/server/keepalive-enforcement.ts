// Refuses clients that ping too often, which grpc-js's server does not do. The rule is grpc-core's (its
// ping_abuse_policy and doc/keepalive.md; gRPC proposal A8), but for one thing: pings on a connection without calls
// are held to the same time, not to two hours.
//
// grpc-js hands out no HTTP/2 sessions. Node.js does: its diagnostics channel tells of each new stream on a server,
// and a stream knows its session. So a connection is watched from its first call on. What the server sends is seen by
// an interceptor, which finds the connection by its peer's address.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { type Responder, ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';
import type { Logger } from '../logger.ts';
import type { LocalEnd } from './address.ts';

const CHANNEL = 'http2.server.stream.created';
/** GRPC_ARG_HTTP2_MAX_PING_STRIKES by default: one more is too many. */
const MOST_STRIKES = 2;
/** Clients of every language take this, with the code, as the order to ping half as often. */
const TOO_MANY_PINGS = Buffer.from('too_many_pings');

type Pings = { strikes: number; lastMs: number };

/** @param minTimeMs least time between two pings while the server sends nothing. */
export function enforceKeepalive(minTimeMs: number, logger: Logger) {
  const pingsByPeer = new Map<string, Pings>();
  const watched = new WeakSet<ServerHttp2Session>();
  let blind = false;

  function watch(session: ServerHttp2Session): void {
    const { remoteAddress, remotePort } = session.socket;
    const peer = `${remoteAddress}:${remotePort}`;
    const pings: Pings = { strikes: 0, lastMs: Number.NEGATIVE_INFINITY };
    watched.add(session);
    pingsByPeer.set(peer, pings);
    session.once('close', () => {
      if (pingsByPeer.get(peer) === pings) pingsByPeer.delete(peer);
    });
    session.on('ping', () => {
      const nowMs = performance.now();
      const early = nowMs - pings.lastMs < minTimeMs;
      pings.lastMs = nowMs;
      if (!early) return;
      pings.strikes += 1;
      if (pings.strikes > MOST_STRIKES) dismiss(session);
    });
  }

  /** What the server sends makes up for pings. */
  function sent(peer: string): void {
    const pings = pingsByPeer.get(peer);
    if (pings) {
      pings.strikes = 0;
      pings.lastMs = Number.NEGATIVE_INFINITY;
    } else if (!blind) {
      blind = true;
      logger.warn(`keepaliveMinTimeMs has no effect: Node.js ${process.version} has no channel ${CHANNEL}`);
    }
  }

  const interceptor: ServerInterceptor = (_method, call) => {
    // Asked for while the connection is there for certain.
    const peer = call.getPeer();
    const responder: Responder = {
      sendMetadata(metadata, next) {
        sent(peer);
        next(metadata);
      },
      sendMessage(message, next) {
        sent(peer);
        next(message);
      },
      sendStatus(status, next) {
        sent(peer);
        next(status);
      },
    };
    return new ServerInterceptingCall(call, responder);
  };

  return {
    /** Has to be among the server's. */
    interceptor,
    /** @returns what ends it. */
    start(isOurs: (socket: LocalEnd) => boolean): () => void {
      function onStream(message: unknown): void {
        const { session } = (message as { stream: ServerHttp2Stream }).stream;
        if (!session || session.destroyed) return;
        const server = session as ServerHttp2Session;
        if (!watched.has(server) && isOurs(server.socket)) watch(server);
      }
      subscribe(CHANNEL, onStream);
      return () => unsubscribe(CHANNEL, onStream);
    },
  };
}

/** As grpc-core does: GOAWAY, and the connection is closed with what is in flight on it. */
function dismiss(session: ServerHttp2Session): void {
  if (session.destroyed) return;
  session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, TOO_MANY_PINGS);
  session.destroy();
}
