// greeter-server: greets over gRPC, and does as the lab tells it over HTTP.
import { configured } from '../common/env.ts';
import { log } from '../common/log.ts';
import { listenForControl } from '../control-http/index.ts';
import { GreeterService } from '../gen/greet.ts';
import { type Health, serve } from '../grpc-kit/src/server/index.ts';
import type { CallBehaviour } from './behaviour.ts';
import { readConfig } from './config.ts';
import { controlRoutes } from './control.ts';
import { createCounters } from './counters.ts';
import { cut, drainOptions } from './drain.ts';
import { greetProto } from './greet-proto.ts';
import { sayHello } from './greeter.ts';
import { createServerEvents } from './server-events.ts';

const config = configured('greeter-server', () => readConfig(process.env));
const { readyAfterMs } = config;
const { mode } = config.drain;
const behaviour: CallBehaviour = {
  latencyMs: config.initialLatencyMs,
  failureShare: 0,
  failureCode: 'UNAVAILABLE',
};
const counters = createCounters();
/** Nothing connects before it listens. */
let connections = () => ({ open: 0, opened: 0 });
const events = createServerEvents(config.identity, counters, () => connections());

// First the control endpoint: who finds this pod Ready, which is asked over gRPC, can rely on it.
const { promise: health, resolve: setHealth } = Promise.withResolvers<Health>();
const control = await listenForControl({
  host: config.host,
  port: config.controlPort,
  token: config.token,
  routes: controlRoutes({
    behaviour,
    health,
    counters,
    events,
    sockets: { podIp: config.podIp, controlPort: config.controlPort },
  }),
});

const server = await serve([[GreeterService, { sayHello: sayHello(config.identity, behaviour, counters) }]], {
  ...config.connections,
  ...drainOptions(config.drain),
  host: config.host,
  port: config.grpcPort,
  protos: [greetProto()],
  channelz: true,
  ...(config.tls && { tls: config.tls }),
  ...(readyAfterMs !== undefined && {
    readiness: () => performance.now() >= readyAfterMs,
    readinessIntervalMs: 250,
  }),
  onPhase(phase) {
    if (phase === 'sigterm') log('sigterm', { drain: mode });
    events.tell(phase);
  },
  onDrained: end,
});
connections = server.connections;
setHealth(server.health);

if (mode !== 'graceful') {
  process.once('SIGTERM', () => {
    log('sigterm', { drain: mode });
    if (mode === 'none') process.exit(0);
    void cut(server, events)
      .then(end)
      .then(() => process.exit(0));
  });
}
log('listening', { grpcPort: server.port, controlPort: control.port });

async function end(): Promise<void> {
  await events.end();
  log('done');
}
