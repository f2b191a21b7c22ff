import type { Incident } from '../incident.ts';
import { failsWith, goesOn } from '../symptoms/expectations.ts';
import { containerOf, setEnv } from '../world.ts';

export default {
  name: 'client-starved',
  order: 17,
  symptom: 'DEADLINE_EXCEEDED in one client; the servers are quick and have never heard of slow calls.',
  cause: 'The client has no CPU when the answer comes: a limit, or a blocked event loop.',
  underneath:
    'A deadline is a timer in the client. When its event loop is blocked, or its container is throttled, the answer lies in the socket while the timer expires. Node serves timers before sockets when the work was done in a callback of I/O, as most is: the call has then run out of time, though its answer is there.',
  confirm: ({ clientNamespace, client }) => [
    {
      command: `kubectl -n ${clientNamespace} exec deploy/${client} -- cat /sys/fs/cgroup/cpu.stat`,
      shows: 'nr_throttled that grows, where it is a limit',
    },
    {
      command: `kubectl -n ${clientNamespace} top pods -l app.kubernetes.io/name=${client}`,
      shows: 'one whole core in use, where it is the event loop (with a metrics-server)',
    },
  ],
  fix: 'Take the work off the event loop (worker threads, smaller steps), or raise the CPU limit.',
  prevent: [
    'Alert on event loop lag and on container_cpu_cfs_throttled_periods_total',
    'CPU requests without limits for latency-critical pods',
  ],
  variants: {
    'blocked-loop': {
      about:
        'other work blocks the event loop of the client for 3 s at a time; calls take 0.4 s, the deadline is 2 s',
      before({ server }) {
        setEnv(server, { INITIAL_LATENCY_MS: '400' });
      },
      change({ client }) {
        setEnv(client, { GREETER_BUSY_MS: '3000' });
      },
      expect: { connected: goesOn, fresh: failsWith('DEADLINE_EXCEEDED') },
    },
    'cpu-limit': {
      about:
        'the client, which computes for 0.4 s at a time, is limited to 0.15 of a core; calls take 0.4 s, the deadline is 2 s',
      needs: ['containers'],
      before({ server, client }) {
        setEnv(server, { INITIAL_LATENCY_MS: '400' });
        setEnv(client, { GREETER_BUSY_CPU_MS: '400' });
      },
      change({ client }) {
        containerOf(client).resources = { requests: { cpu: '50m' }, limits: { cpu: '150m' } };
      },
      expect: { connected: goesOn, fresh: failsWith('DEADLINE_EXCEEDED') },
    },
  },
} satisfies Incident;
