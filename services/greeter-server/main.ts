// greeter-server: greets over gRPC, and does as the lab tells it over HTTP.
import { configured } from '../common/env.ts';
import { log } from '../common/log.ts';
import { listenForControl } from '../control-http/index.ts';
import type { CallBehaviour } from './behaviour.ts';
import { readConfig } from './config.ts';
import { controlRoutes } from './control.ts';
import { createCounters } from './counters.ts';
import { drain } from './drain.ts';
import { sayHello } from './greeter.ts';
import { bind, createGrpcServer } from './grpc-server.ts';
import { createHealth } from './health.ts';
import { createServerEvents } from './server-events.ts';

const config = configured('greeter-server', () => readConfig(process.env));
const behaviour: CallBehaviour = {
  latencyMs: config.initialLatencyMs,
  failureShare: 0,
  failureCode: 'UNAVAILABLE',
};
const counters = createCounters();
const health = createHealth();
const events = createServerEvents(config.identity, counters);
const server = createGrpcServer(config.serverOptions, health, sayHello(config.identity, behaviour, counters));

let terminating = false;
process.on('SIGTERM', () => {
  if (terminating) return;
  terminating = true;
  log('sigterm', { drain: config.drain.mode });
  if (config.drain.mode === 'none') process.exit(0);
  void exitDrained();
});

async function exitDrained(): Promise<void> {
  await drain(config.drain, server, health, events);
  await events.end();
  log('done');
  process.exit(0);
}

const control = await listenForControl({
  host: config.host,
  port: config.controlPort,
  token: config.token,
  routes: controlRoutes({ behaviour, health, counters, events }),
});
const grpcPort = await bind(server, config.host, config.grpcPort);
log('listening', { grpcPort, controlPort: control.port });
