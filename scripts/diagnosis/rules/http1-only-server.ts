import type { Evidence, Rule } from '../rule.ts';
import { connected } from '../situation/index.ts';
import { failing, failureEvidence, firstOf, probesTo, servicesOf } from './say.ts';

/** What gRPC's libraries make of an answer in HTTP/1.1. */
const NOT_HTTP2 =
  /protocol error|PROTOCOL_ERROR|FRAME_SIZE_ERROR|frame size error|frame too large|first received frame was not SETTINGS|http1\.x server|HTTP\/1\.[01]|did not complete the HTTP\/2 handshake|missing HTTP content-type|unexpected HTTP status code|received unexpected content-type/i;
/** The first bytes of `HTTP/`, as Java prints them. */
const HTTP_HEX = /485454502f/i;

/** What answers speaks HTTP/1.1 only. */
export const http1OnlyServer: Rule = {
  cause: 'http1-only-server',
  judge: (situation) =>
    firstOf(servicesOf(situation), (service) => {
      const probes = probesTo(situation, service).filter(connected);
      const http1 = probes.filter(({ preface }) => preface?.saw === 'http1');
      const failures = [...failing(situation, NOT_HTTP2), ...failing(situation, HTTP_HEX)];
      if (probes.some(({ preface }) => preface?.saw === 'http2') && http1.length === 0) return undefined;
      if (http1.length === 0 && failures.length === 0) return undefined;
      const evidence: Evidence[] = [
        ...http1.slice(0, 2).map(({ where, preface }) => ({
          fact: `probe ${where} preface`,
          value: `http1${preface?.firstBytes ? `: ${preface.firstBytes}` : ''}`,
          says: 'it answers the first bytes of HTTP/2 in HTTP/1.1',
        })),
        ...failureEvidence(failures, 'so a client sees a server, or a proxy, that does not speak HTTP/2'),
      ];
      return {
        cause: 'http1-only-server',
        certainty: http1.length > 0 ? 'certain' : 'likely',
        summary: `what answers behind the Service ${service.name} speaks HTTP/1.1 only, gRPC needs HTTP/2`,
        evidence,
        fix: `let the server, or the proxy in front of it, behind ${service.ref} speak HTTP/2 in the clear (h2c) on this port, or lead the Service to the port that does`,
      };
    }),
};
