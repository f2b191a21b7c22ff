import { timeAnswer } from '../common/clock.ts';
import { readSockets } from '../common/sockets.ts';
import { parseAs, type Route } from '../control-http/index.ts';
import type { Health } from '../grpc-kit/src/server/index.ts';
import {
  type Behaviour,
  BehaviourChange,
  ExitRequest,
  FreezeRequest,
  HealthProbeRequest,
} from '../protocol/index.ts';
import { type CallBehaviour, changeBehaviour } from './behaviour.ts';
import type { Counters } from './counters.ts';
import { runHealthProbe } from './run-health-probe.ts';
import type { ServerEvents } from './server-events.ts';
import { exitSoon, freezeSoon } from './sudden.ts';

/** What can be asked of a greeter-server over HTTP. There is no health to tell of until it listens for calls. */
export function controlRoutes(server: {
  behaviour: CallBehaviour;
  health: Promise<Health>;
  counters: Counters;
  events: ServerEvents;
  sockets: { podIp: string | undefined; controlPort: number };
}): Route[] {
  const { behaviour, health, counters, events, sockets } = server;
  const current = async (): Promise<Behaviour> => ({ ...behaviour, serving: (await health).current() });
  return [
    { method: 'GET', path: '/healthz', open: true, answer: () => ({ body: { ok: true } }) },
    { method: 'GET', path: '/time', answer: () => ({ body: timeAnswer() }) },
    { method: 'GET', path: '/behaviour', answer: async () => ({ body: await current() }) },
    {
      method: 'PATCH',
      path: '/behaviour',
      answer: async ({ body }) => {
        changeBehaviour(behaviour, await health, parseAs(BehaviourChange, body));
        return { body: await current() };
      },
    },
    {
      method: 'POST',
      path: '/freeze',
      answer: ({ body }) => {
        const { durationMs } = parseAs(FreezeRequest, body);
        freezeSoon(durationMs);
        return { status: 202, body: { durationMs } };
      },
    },
    {
      method: 'POST',
      path: '/exit',
      answer: ({ body }) => {
        const { code } = parseAs(ExitRequest, body);
        exitSoon(code);
        return { status: 202, body: { code } };
      },
    },
    {
      method: 'POST',
      path: '/health-probe',
      answer: async ({ body }) => ({ body: await runHealthProbe(parseAs(HealthProbeRequest, body)) }),
    },
    {
      method: 'GET',
      path: '/sockets',
      answer: async () => ({ body: await readSockets(sockets.podIp, sockets.controlPort) }),
    },
    { method: 'GET', path: '/counters', answer: () => ({ body: counters.snapshot() }) },
    { method: 'GET', path: '/events', stream: (_request, lines) => events.open(lines) },
  ];
}
