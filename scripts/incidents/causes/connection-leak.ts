import type { Incident } from '../incident.ts';
import { connectionsGrow, goesOn } from '../symptoms/expectations.ts';
import { setEnv } from '../world.ts';

export default {
  name: 'connection-leak',
  order: 16,
  symptom: 'Memory and sockets of the client grow; in the end EADDRNOTAVAIL or "too many open files".',
  cause: 'A channel for every call, with connections of its own, that is never closed.',
  underneath:
    'Channels of the same target, options and credentials share their connections. Credentials that are made anew, or a subchannel pool of its own, make each channel a stranger: one more connection per call, each with an ephemeral port and a file descriptor, until there is none left.',
  confirm: ({ clientNamespace, client }) => [
    {
      command: `kubectl -n ${clientNamespace} exec deploy/${client} -- cat /proc/net/tcp | wc -l`,
      shows: 'a number that grows each time',
    },
  ],
  fix: 'Make one channel per target when the program starts, and use it for all calls; close what is no longer used.',
  prevent: [
    'Alert on the open connections of a server per client, and on process_open_fds',
    'A factory that hands out channels; a lint rule against new channels in request handlers',
  ],
  variants: {
    'own-pool': {
      about: 'each call has a channel with a subchannel pool of its own, left open',
      change({ client }) {
        setEnv(client, {
          GREETER_CHANNEL_PER: 'call',
          GREETER_SUBCHANNEL_POOL: 'own',
          GREETER_CLOSE_CHANNELS: 'false',
          GREETER_RATE_PER_SECOND: '10',
        });
      },
      // Until there are more than an application may well have.
      showsAfterMs: 5000,
      expect: { connected: goesOn, fresh: connectionsGrow },
    },
  },
} satisfies Incident;
