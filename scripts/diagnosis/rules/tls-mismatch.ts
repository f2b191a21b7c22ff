import type { Evidence, Rule, Suspicion } from '../rule.ts';
import { connected, type Probed, type ServiceView, type Situation } from '../situation/index.ts';
import { failing, failureEvidence, firstOf, goesThrough, probesTo, retarget, servicesOf } from './say.ts';

/** What TLS says of an answer in the clear. */
const SERVER_IN_THE_CLEAR =
  /wrong.version.number|first record does not look like a TLS handshake|not an SSL\/TLS record|packet length too long|unknown protocol|record layer failure|cannot determine the frame size/i;
/** What TLS says of whom it does not trust. */
const NOT_TRUSTED =
  /self.signed|unable to verify|CERT_|certificate (verify failed|has expired|signed by unknown|is valid for|required)|certificate_verify_failed|x509:|unable to get (local )?issuer|PKIX path|RemoteCertificate|altname|ERR_TLS_CERT|hostname.*(match|mismatch)/i;
/** Others' ways to say that there is no TLS session. */
const HANDSHAKE =
  /ssl handshake|tls handshake|handshake failed|alert (number|handshake)|SSL alert|SSL connection could not be established|EPROTO|authentication handshake failed|ssl_error_ssl|tlsv1 alert|SSLHandshakeException/i;

/** The client speaks TLS and the server does not, or the other way round, or it does not trust the server. */
export const tlsMismatch: Rule = {
  cause: 'tls-mismatch',
  judge: (situation) =>
    firstOf(servicesOf(situation), (service) => {
      const probes = probesTo(situation, service).filter(connected);
      return judgeProbes(situation, service, probes) ?? judgeMessages(situation, service);
    }),
};

/** Undefined where the client does not tell. */
function clientHasTls({ agents, routes }: Situation): boolean | undefined {
  const running = agents.flatMap(({ workloads }) => workloads.filter(({ status }) => status.running));
  if (running.length > 0) return running.some(({ spec }) => spec.tls !== undefined);
  const schemes = routes.flatMap(({ target }) => target?.scheme ?? []);
  if (schemes.includes('https')) return true;
  return schemes.includes('http') ? false : undefined;
}

function judgeProbes(situation: Situation, service: ServiceView, probes: Probed[]): Suspicion | undefined {
  const hasTls = clientHasTls(situation);
  const clear = probes.find(({ preface, tls }) => preface?.saw === 'http2' && tls?.error !== undefined);
  const secret = probes.find(
    ({ preface, tls }) =>
      preface?.saw === 'tls' || (preface?.saw !== 'http2' && tls !== undefined && tls.error === undefined),
  );
  const failures = failing(situation, /UNAVAILABLE|DEADLINE_EXCEEDED|INTERNAL|UNKNOWN|CANCELLED/);
  if (hasTls === true && clear)
    return say(
      service,
      'the client speaks TLS, the server does not',
      [
        {
          fact: `probe ${clear.where} preface`,
          value: 'http2',
          says: 'the server speaks HTTP/2 in the clear',
        },
        { fact: `probe ${clear.where} tls`, value: clear.tls?.error ?? '', says: 'it does not take TLS' },
        ...failureEvidence(failures, 'the client speaks TLS to it'),
      ],
      inTheClear(situation),
    );
  if (hasTls === false && secret)
    return say(
      service,
      'the server speaks TLS, the client does not',
      [
        {
          fact: `probe ${secret.where} preface`,
          value: secret.preface?.saw ?? '',
          says: 'the server does not take HTTP/2 in the clear',
        },
        {
          fact: `probe ${secret.where} tls`,
          value: `session${secret.tls?.alpn ? `, ALPN ${secret.tls.alpn}` : ''}`,
          says: 'it speaks TLS',
        },
        ...failureEvidence(failures, 'the client speaks in the clear to it'),
      ],
      `give the client of ${service.ref} TLS credentials (and the authority that signed ${secret.tls?.subject ?? "the server's certificate"})`,
    );
  const distrusted = hasTls === true ? probes.find(({ tls }) => isDistrusted(tls?.trusted)) : undefined;
  if (distrusted && failures.length > 0)
    return say(
      service,
      `the client does not trust the server's certificate: ${distrusted.tls?.trusted}`,
      [
        {
          fact: `probe ${distrusted.where} tls`,
          value: distrusted.tls?.trusted ?? '',
          says: 'the certificate is not one that the client trusts',
        },
        ...failureEvidence(failures, 'so its calls fail'),
      ],
      certificateFix(service),
    );
  return undefined;
}

const isDistrusted = (trusted: string | undefined) =>
  trusted !== undefined && !/^(yes|ok|true|trusted)$/i.test(trusted);

function judgeMessages(situation: Situation, service: ServiceView): Suspicion | undefined {
  if (goesThrough(situation)) return undefined;
  const clear = failing(situation, SERVER_IN_THE_CLEAR);
  if (clear.length > 0)
    return say(
      service,
      'the client speaks TLS, the server does not',
      failureEvidence(clear, 'what came back is no TLS'),
      inTheClear(situation),
    );
  const distrusted = failing(situation, NOT_TRUSTED);
  if (distrusted.length > 0)
    return say(
      service,
      "the client does not trust the server's certificate",
      failureEvidence(distrusted, 'the certificate is refused'),
      certificateFix(service),
    );
  const handshake = failing(situation, HANDSHAKE);
  if (handshake.length > 0)
    return {
      ...say(
        service,
        'client and server do not agree on TLS',
        failureEvidence(handshake, 'the TLS session does not come about'),
        inTheClear(situation),
      ),
      certainty: 'likely',
    };
  const spoken = servesTls(situation, service);
  const dropped = failing(
    situation,
    /error reading server preface|connection reset|socket closed|ECONNRESET|connection dropped|EOF|GOAWAY/i,
  );
  if (spoken.length === 0 || dropped.length === 0 || clientHasTls(situation) === true) return undefined;
  return {
    ...say(
      service,
      'the server speaks TLS, the client seems not to',
      [...spoken, ...failureEvidence(dropped, 'the server hangs up at once')],
      `give the client of ${service.ref} TLS credentials`,
    ),
    certainty: 'likely',
  };
}

/** Settings and words of servers that have to do with TLS. */
function servesTls(_: Situation, { pods }: ServiceView): Evidence[] {
  const [pod] = pods;
  const setting = pod?.containers
    .flatMap(({ env }) => env)
    .find(({ name, value }) => /TLS|SSL|CERT/i.test(name) && !/CLIENT|^(0|false|off|no|)$/i.test(value));
  const handshake = pods
    .flatMap((each) => each.logs.flatMap(({ lines }) => lines.map((line) => ({ pod: each, line }))))
    .findLast(
      ({ line }) =>
        /TLS handshake|SSLHandshake|http request|ssl3?_get_record|not an SSL/i.test(line) &&
        /fail|error|exception|first record/i.test(line),
    );
  return [
    ...(pod && setting
      ? [
          {
            fact: `Pod ${pod.ref} env ${setting.name}`,
            value: '(set)',
            says: 'the server is told to speak TLS',
          },
        ]
      : []),
    ...(handshake
      ? [
          {
            fact: `log of ${handshake.pod.ref}`,
            value: handshake.line.slice(0, 200),
            says: 'the server waits for TLS',
          },
        ]
      : []),
  ];
}

const say = (service: ServiceView, summary: string, evidence: Evidence[], fix: string): Suspicion => ({
  cause: 'tls-mismatch',
  certainty: 'certain',
  summary: `${summary} (Service ${service.name})`,
  evidence,
  fix,
});

function inTheClear(situation: Situation): string {
  const route = situation.routes.find(({ target }) => target?.scheme === 'https');
  const host = route?.target && `${route.target.host}:${route.port}`;
  const plain = host ? retarget(situation, route, host).replace('https://', 'http://') : undefined;
  return (
    plain ??
    `take insecure credentials (plaintext) in the client ${situation.client.ref}, or give the server a certificate`
  );
}

const certificateFix = ({ ref, name, namespace }: ServiceView): string =>
  `give the client the authority that signed the certificate of ${ref}, or the server a certificate for ${name}.${namespace}.svc`;
