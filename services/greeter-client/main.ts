// greeter-client: an agent that makes calls, and probes, as the lab tells it over HTTP.

import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { configured } from '../common/env.ts';
import { log } from '../common/log.ts';
import { listenForControl } from '../control-http/index.ts';
import { cpuNowMs, stayBusy } from './busy.ts';
import { readConfig } from './config.ts';
import { controlRoutes } from './control.ts';
import { createDnsWatches } from './dns.ts';
import { createEventLog } from './event-log.ts';
import { type EventStream, openEventStream } from './event-stream.ts';
import { createWorkloads } from './workloads.ts';

// What is still in flight, or unread, does not keep a pod that has to go.
const LAST_CALLS_MS = 1000;
const LAST_LINES_MS = 500;

const config = configured('greeter-client', () => readConfig(process.env));
const events = createEventLog(config.eventsKept);
const workloads = createWorkloads(config.identity.pod, events);
const watches = createDnsWatches(events);
const streams = new Set<EventStream>();

function openEvents(from: number, lines: Writable): void {
  const stream = openEventStream(events, config.identity, from, lines);
  streams.add(stream);
  lines.once('close', () => streams.delete(stream));
}

async function exit(): Promise<void> {
  log('sigterm');
  await Promise.race([workloads.stopAll(), delay(LAST_CALLS_MS)]);
  const ends = [...streams].map((stream) => stream.end());
  await Promise.race([Promise.allSettled(ends), delay(LAST_LINES_MS)]);
  log('done');
  process.exit(0);
}
process.once('SIGTERM', () => void exit());

const control = await listenForControl({
  host: config.host,
  port: config.controlPort,
  token: config.token,
  routes: controlRoutes({
    workloads,
    watches,
    openEvents,
    sockets: { podIp: config.podIp, controlPort: config.controlPort },
  }),
});
log('listening', { controlPort: control.port });
if (config.ownWorkload) workloads.start(config.ownWorkload);
if (config.busyMs > 0) stayBusy(config.busyMs);
if (config.busyCpuMs > 0) stayBusy(config.busyCpuMs, cpuNowMs);
