import type { Incident } from '../incident.ts';
import { failsWith } from '../symptoms/expectations.ts';
import { setEnv } from '../world.ts';

const expect = {
  connected: failsWith(['DEADLINE_EXCEEDED', 'UNAVAILABLE']),
  fresh: failsWith('DEADLINE_EXCEEDED'),
};

export default {
  name: 'slow-server',
  order: 23,
  symptom: 'DEADLINE_EXCEEDED in every client; the pods are Ready and well.',
  cause: 'The server takes longer than the deadline, or has no stream left.',
  underneath:
    'A deadline is for all of a call: its wait for a stream, the work, the way back. A connection carries only as many calls at a time as the server allows (SETTINGS_MAX_CONCURRENT_STREAMS): with slow calls the rest waits in the client, and its time runs.',
  confirm: ({ namespace, server }) => [
    {
      command: `kubectl -n ${namespace} logs deploy/${server}`,
      shows: 'calls that are slow, or cancelled by the client',
    },
    {
      command: `kubectl -n ${namespace} set env deployment/${server} --list | grep -E 'LATENCY|STREAMS'`,
      shows: 'what makes it slow',
    },
  ],
  fix: 'Find what the server waits for (its own calls, a lock, a pool); give calls a deadline that fits; allow more streams, or open more connections.',
  prevent: [
    'Alert on the p99 of grpc_server_handling_seconds beside the deadline of the clients',
    'Server-side deadlines, and load shedding',
  ],
  variants: {
    latency: {
      about: 'each call takes 5 s, and the deadline is 2 s',
      change({ server }) {
        setEnv(server, { INITIAL_LATENCY_MS: '5000' });
      },
      expect,
    },
    streams: {
      about: 'a connection carries one call at a time, which takes 0.9 s',
      change({ server }) {
        setEnv(server, { INITIAL_LATENCY_MS: '900', GRPC_MAX_CONCURRENT_STREAMS: '1' });
      },
      expect,
    },
  },
} satisfies Incident;
