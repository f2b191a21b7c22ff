import { hostname } from 'node:os';
import { z } from 'zod';
import type { HelloEvent } from '../protocol/index.ts';
import { boot, nowMs } from './clock.ts';

/** Which pod this is, as the downward API says. */
export type Identity = { pod: string; node: string };

/** First line of an event stream. */
export function helloEvent(identity: Identity, from: number): HelloEvent {
  return { type: 'hello', boot, ...identity, atMs: nowMs(), from };
}

/** What both services read from their environment. */
export const identityEnv = {
  /** The pod's name; the host's name without one. */
  POD_NAME: z.string().default(hostname()),
  NODE_NAME: z.string().default(''),
  /** The pod's address: which connections are its own. Unset: all that can be seen are. */
  POD_IP: z.string().optional(),
  /** What every control endpoint asks for in its token header. */
  LAB_TOKEN: z.string({ error: 'is required: control endpoints are guarded by it' }),
  /** Address on which to listen. */
  BIND_ADDRESS: z.string().default('0.0.0.0'),
};
