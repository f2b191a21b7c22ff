// Something between clients and servers that forgets idle connections, as a program of its own: `node /app/relay.js`.
import { z } from 'zod';
import { configured, durationMs, parseEnv, port } from '../common/env.ts';
import { identityEnv } from '../common/identity.ts';
import { log } from '../common/log.ts';
import { listenForControl, parseAs } from '../control-http/index.ts';
import { CONTROL_PORT, GRPC_PORT } from '../protocol/index.ts';
import { startRelay } from './idle-cut.ts';

const Env = z.object({
  LAB_TOKEN: identityEnv.LAB_TOKEN,
  BIND_ADDRESS: identityEnv.BIND_ADDRESS,
  CONTROL_PORT: port.default(CONTROL_PORT),
  RELAY_PORT: port.default(GRPC_PORT),
  /** `host:port`; an IPv6 address in brackets. */
  RELAY_TARGET: z
    .string({ error: 'is required: where to relay to' })
    .regex(/^(\[[\da-fA-F:.]+\]|[^:\s]+):\d{1,5}$/, 'must be host:port')
    .transform((target) => {
      const at = target.lastIndexOf(':');
      return { host: target.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(target.slice(at + 1)) };
    })
    .refine(({ port }) => port >= 1 && port <= 65_535, 'must have a port from 1 to 65535'),
  /** How long a connection may be idle before it is forgotten; 0: for ever. */
  RELAY_IDLE_CUT_MS: durationMs.default(0),
});

/** What it can be told at run time, as the settings of a firewall are changed. */
const Change = z.strictObject({ idleCutMs: z.int().min(0).max(2_147_483_647) });

const config = configured('relay', () => parseEnv(Env, process.env));
const relay = await startRelay({
  target: config.RELAY_TARGET,
  host: config.BIND_ADDRESS,
  port: config.RELAY_PORT,
  idleCutMs: config.RELAY_IDLE_CUT_MS,
});
const control = await listenForControl({
  host: config.BIND_ADDRESS,
  port: config.CONTROL_PORT,
  token: config.LAB_TOKEN,
  routes: [
    { method: 'GET', path: '/healthz', open: true, answer: () => ({ body: { ok: true } }) },
    { method: 'GET', path: '/connections', answer: () => ({ body: relay.connections() }) },
    {
      method: 'PATCH',
      path: '/behaviour',
      answer: ({ body }) => {
        const change = parseAs(Change, body);
        relay.changeIdleCut(change.idleCutMs);
        return { body: change };
      },
    },
  ],
});
process.once('SIGTERM', () => {
  log('sigterm');
  relay.close();
  process.exit(0);
});
log('listening', { relayPort: relay.port, controlPort: control.port });
