// greeter-server: greets over gRPC, and does as the lab tells it over HTTP.
import { configured } from '../common/env.ts';
import { log } from '../common/log.ts';
import { HttpError, listenForControl } from '../control-http/index.ts';
import { GreeterService } from '../gen/greet.ts';
import { type Health, serve } from '../grpc-kit/src/server/index.ts';
import type { CallBehaviour } from './behaviour.ts';
import { readConfig } from './config.ts';
import { controlRoutes } from './control.ts';
import { createCounters } from './counters.ts';
import { cut, drainOptions } from './drain.ts';
import { greetProto } from './greet-proto.ts';
import { sayHello } from './greeter.ts';
import { serveHttp1 } from './http1.ts';
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
const { promise: health, resolve: setHealth, reject: refuseHealth } = Promise.withResolvers<Health>();
// Whoever asks for it is told.
health.catch(() => {});
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

const speaksGrpc = config.protocol === 'h2c';
const server = speaksGrpc ? await serveGrpc() : await serveHttp1Only();
connections = server.connections;

if (mode !== 'graceful' || !speaksGrpc) {
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

async function serveGrpc() {
  const started = await serve(
    [[GreeterService, { sayHello: sayHello(config.identity, behaviour, counters) }]],
    {
      ...config.connections,
      ...drainOptions(config.drain),
      host: config.grpcHost,
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
    },
  );
  const all = Object.keys(started.health.current());
  const notServing = config.notServing.flatMap((service) => (service === '*' ? all : [service]));
  for (const service of notServing) started.health.set(service, false);
  setHealth(started.health);
  return started;
}

function serveHttp1Only() {
  refuseHealth(new HttpError(409, 'it speaks HTTP/1.1 only: there is no gRPC health'));
  return serveHttp1({
    host: config.grpcHost,
    port: config.grpcPort,
    ...(config.tls && { tls: config.tls }),
  });
}
