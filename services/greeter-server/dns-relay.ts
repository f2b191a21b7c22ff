// DNS that is slow, as a program of its own: `node /app/dns-relay.js`.
import { z } from 'zod';
import { configured, durationMs, parseEnv, port } from '../common/env.ts';
import { identityEnv } from '../common/identity.ts';
import { log } from '../common/log.ts';
import { startDnsRelay } from './dns-delay.ts';

const Env = z.object({
  BIND_ADDRESS: identityEnv.BIND_ADDRESS,
  /** Of UDP and of TCP. */
  DNS_RELAY_PORT: port.default(53),
  /** Where the DNS server listens, on this host. */
  DNS_RELAY_TARGET_PORT: port,
  DNS_RELAY_DELAY_MS: durationMs,
});

/** As long as CoreDNS in the same pod serves on, until Services know that it goes: `lameduck` in kubeadm's Corefile. */
const LAME_DUCK_MS = 5000;
// First: process 1 ignores a signal that it has no handler for.
process.once('SIGTERM', () => setTimeout(() => process.exit(0), LAME_DUCK_MS));

const config = configured('dns-relay', () => parseEnv(Env, process.env));
const relay = await startDnsRelay({
  host: config.BIND_ADDRESS,
  port: config.DNS_RELAY_PORT,
  target: { host: '127.0.0.1', port: config.DNS_RELAY_TARGET_PORT },
  delayMs: config.DNS_RELAY_DELAY_MS,
});
log('listening', { relayPort: relay.port, delayMs: config.DNS_RELAY_DELAY_MS });
