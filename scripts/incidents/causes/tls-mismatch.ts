import { makeCertificate } from '../../common/certificate.ts';
import type { Incident } from '../incident.ts';
import { failsWith, goesOn } from '../symptoms/expectations.ts';
import { containerOf, readyByControlPort, setEnv, WORLD_LABEL } from '../world.ts';

export default {
  name: 'tls-mismatch',
  order: 21,
  symptom:
    'Connected over TCP, and UNAVAILABLE at once: wrong version number, or a connection that is dropped.',
  cause: 'One side speaks TLS and the other does not.',
  underneath:
    'A TLS client sends a ClientHello to a server that waits for the preface of HTTP/2 and answers in the clear, which TLS reads as a wrong version number. The other way round the server takes the preface for a broken handshake and closes.',
  confirm: ({ namespace, service, servicePort }) => [
    {
      command: `kubectl -n ${namespace} port-forward service/${service} 8443:${servicePort} & openssl s_client -connect localhost:8443 -alpn h2`,
      shows: 'a certificate and "ALPN protocol: h2", or "wrong version number" where there is no TLS',
    },
  ],
  fix: 'Agree: credentials.createSsl() in the client and a certificate in the server, or neither.',
  prevent: [
    'One setting for both, rendered from one value',
    'A grpc call in the deployment pipeline with the settings of production',
  ],
  variants: {
    client: {
      about: 'the client speaks TLS, the server does not',
      change({ client }) {
        setEnv(client, { GREETER_TLS: 'true' });
      },
      expect: { connected: goesOn, fresh: failsWith('UNAVAILABLE') },
    },
    server: {
      about: 'the server speaks TLS, the client does not',
      before: ({ server }) => readyByControlPort(server),
      async change({ server, others }, { namespace, service, headless }) {
        const name = `${service}-tls`;
        const names = [service, headless].flatMap((each) => [each, `${each}.${namespace}.svc.cluster.local`]);
        const { cert, key } = await makeCertificate(
          service,
          names.map((value) => ({ type: 'dns', value })),
        );
        others.push({
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name, namespace, labels: { [WORLD_LABEL]: namespace } },
          stringData: { 'tls.crt': cert, 'tls.key': key },
        } as never);
        const fromSecret = (variable: string, secretKey: string) => ({
          name: variable,
          valueFrom: { secretKeyRef: { name, key: secretKey } },
        });
        containerOf(server).env?.push(
          fromSecret('GRPC_TLS_CERT', 'tls.crt'),
          fromSecret('GRPC_TLS_KEY', 'tls.key'),
        );
      },
      expect: { connected: failsWith('UNAVAILABLE'), fresh: failsWith('UNAVAILABLE') },
    },
  },
} satisfies Incident;
