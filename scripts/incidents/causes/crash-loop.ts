import type { Incident } from '../incident.ts';
import { failsWith } from '../symptoms/expectations.ts';
import { setEnv } from '../world.ts';

export default {
  name: 'crash-loop',
  order: 8,
  symptom: 'UNAVAILABLE since the last deploy; pods show CrashLoopBackOff.',
  cause: 'The server ends as soon as it starts.',
  underneath:
    'The kubelet starts the container again with a back-off of 10 s that doubles up to 5 minutes. Between its short lives nobody listens, and the pod is never Ready.',
  confirm: ({ namespace, server }) => [
    {
      command: `kubectl -n ${namespace} logs deployment/${server} --previous`,
      shows: 'the last words of the server: why it ended',
    },
    { command: `kubectl -n ${namespace} get pods`, shows: 'CrashLoopBackOff, and restarts' },
  ],
  fix: 'Correct what the last words name: here the value of an environment variable.',
  prevent: [
    'Check configuration as a whole at start, and say in one line what is wrong',
    'RollingUpdate with maxUnavailable 0, so that the rollout stops at the first new pod',
  ],
  variants: {
    configuration: {
      about: 'an environment variable has a value that the server refuses',
      change({ server }) {
        setEnv(server, { DRAIN: 'gracefully' });
      },
      expect: {
        connected: failsWith('UNAVAILABLE'),
        fresh: failsWith('UNAVAILABLE', /Name resolution failed/),
      },
    },
  },
} satisfies Incident;
