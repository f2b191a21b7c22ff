import type { Incident } from '../incident.ts';
import { goesOn, onlyFails } from '../symptoms/expectations.ts';
import { setEnv } from '../world.ts';

export default {
  name: 'message-too-large',
  order: 22,
  symptom: 'RESOURCE_EXHAUSTED for large requests, small ones go through.',
  cause: 'A message is larger than the receiver takes: 4 MiB, unless it was told otherwise.',
  underneath:
    'Each side refuses messages above its own limit (grpc.max_receive_message_length, 4 194 304 bytes by default); the sender has none by default. The call ends with RESOURCE_EXHAUSTED, which has nothing to do with CPU or memory.',
  confirm: ({ clientNamespace, client }) => [
    {
      command: `kubectl -n ${clientNamespace} logs deploy/${client} | grep RESOURCE_EXHAUSTED`,
      shows: 'Received message larger than max (… vs 4194304)',
    },
  ],
  fix: 'Send less at a time (pages, a stream), or raise grpc.max_receive_message_length on the side that receives.',
  prevent: [
    'A limit on what a request may hold, checked where it is made',
    'Alert on grpc_server_handled_total{grpc_code="ResourceExhausted"}',
  ],
  variants: {
    request: {
      about: 'the client sends 5 MiB a call',
      change({ client }) {
        setEnv(client, { GREETER_NAME_BYTES: String(5 * 1024 ** 2), GREETER_RATE_PER_SECOND: '1' });
      },
      expect: { connected: goesOn, fresh: onlyFails('RESOURCE_EXHAUSTED', /larger than max/) },
    },
  },
} satisfies Incident;
