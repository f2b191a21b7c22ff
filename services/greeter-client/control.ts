import type { Writable } from 'node:stream';
import { z } from 'zod';
import { timeAnswer } from '../common/clock.ts';
import { readSockets } from '../common/sockets.ts';
import { HttpError, parseAs, type Route } from '../control-http/index.ts';
import {
  DnsProbeRequest,
  DnsWatchRequest,
  PathProbeRequest,
  TcpProbeRequest,
  WorkloadChange,
  WorkloadSpec,
} from '../protocol/index.ts';
import { type DnsWatches, probeDns } from './dns.ts';
import { probePath } from './path/index.ts';
import { watchProcess } from './process.ts';
import { countOpen } from './stacks/index.ts';
import { probeTcp } from './tcp.ts';
import type { Workloads } from './workloads.ts';

const EventsQuery = z.strictObject({ from: z.coerce.number().int().min(0).default(0) });

/** What can be asked of a greeter-client over HTTP. */
export function controlRoutes(agent: {
  workloads: Workloads;
  watches: DnsWatches;
  openEvents: (from: number, lines: Writable) => void;
  sockets: { podIp: string | undefined; controlPort: number };
}): Route[] {
  const { workloads, watches, openEvents, sockets } = agent;
  const readProcess = watchProcess();
  const idOf = (params: Record<string, string>) => params.id ?? '';
  return [
    { method: 'GET', path: '/healthz', open: true, answer: () => ({ body: { ok: true } }) },
    { method: 'GET', path: '/time', answer: () => ({ body: timeAnswer() }) },
    {
      method: 'POST',
      path: '/workloads',
      answer: ({ body }) => ({ status: 201, body: workloads.start(parseAs(WorkloadSpec, body)) }),
    },
    { method: 'GET', path: '/workloads', answer: () => ({ body: workloads.list() }) },
    {
      method: 'GET',
      path: '/workloads/:id',
      answer: ({ params }) => ({ body: workloads.status(idOf(params)) }),
    },
    {
      method: 'GET',
      path: '/workloads/:id/spec',
      answer: ({ params }) => ({ body: workloads.spec(idOf(params)) }),
    },
    {
      method: 'PATCH',
      path: '/workloads/:id',
      answer: ({ params, body }) => ({ body: workloads.change(idOf(params), parseAs(WorkloadChange, body)) }),
    },
    {
      method: 'DELETE',
      path: '/workloads/:id',
      answer: async ({ params }) => ({ body: await workloads.stop(idOf(params)) }),
    },
    {
      method: 'GET',
      path: '/events',
      stream: ({ query }, lines) => openEvents(parseAs(EventsQuery, Object.fromEntries(query)).from, lines),
    },
    {
      method: 'GET',
      path: '/sockets',
      answer: async () => ({
        body: { ...(await readSockets(sockets.podIp, sockets.controlPort)), channelz: countOpen() },
      }),
    },
    { method: 'GET', path: '/process', answer: () => ({ body: readProcess() }) },
    {
      method: 'POST',
      path: '/probes/dns',
      answer: async ({ body }) => {
        const { name, type, order } = parseAs(DnsProbeRequest, body);
        return { body: await probeDns(name, type, order) };
      },
    },
    {
      method: 'POST',
      path: '/probes/tcp',
      answer: async ({ body }) => {
        const { host, port, timeoutMs } = parseAs(TcpProbeRequest, body);
        return { body: await probeTcp(host, port, timeoutMs) };
      },
    },
    {
      method: 'POST',
      path: '/probes/path',
      answer: async ({ body }) => ({ body: await probePath(parseAs(PathProbeRequest, body)) }),
    },
    {
      method: 'PUT',
      path: '/watches/dns',
      answer: ({ body }) => {
        const { name, intervalMs } = parseAs(DnsWatchRequest, body);
        watches.start(name, intervalMs);
        return { body: { name, intervalMs } };
      },
    },
    {
      method: 'DELETE',
      path: '/watches/dns',
      answer: ({ query }) => {
        const name = query.get('name') ?? '';
        if (!watches.stop(name)) throw new HttpError(404, `the name "${name}" is not watched`);
        return { body: { name } };
      },
    },
  ];
}
