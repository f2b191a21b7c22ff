// Targets are `dns-poll:///name:port?interval=5s&jitter=0.1&ttl=respect`.
import { isIP } from 'node:net';
import type { GrpcUri } from '../../grpc-experimental.ts';
import { badTarget, pathOf, targetText } from '../target.ts';

const USAGE = 'dns-poll:///name:port?interval=30s';
const DEFAULT_INTERVAL_MS = 30_000;
const MIN_INTERVAL_MS = 100;
/** What a timer can hold. */
const MAX_INTERVAL_MS = 24 * 3_600_000;
const DEFAULT_JITTER = 0.1;
const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

export type DnsPollTarget = {
  /** As it was written, for messages. */
  text: string;
  /** A name or an address, without brackets. */
  host: string;
  port: number;
  /** As it was written: `name:port`, `[fd00::1]:port`. */
  authority: string;
  /** From the start of one question to the next, at most. */
  intervalMs: number;
  /** By which share, to either side, each interval is varied: 0 to less than 1. */
  jitter: number;
  /** Whether records that live shorter than the interval are asked for again when they are over. */
  respectTtl: boolean;
};

/** @throws when it is not a target of this scheme, saying how to write one. */
export function parseTarget(target: GrpcUri): DnsPollTarget {
  const [authority = '', query, ...rest] = pathOf(target, USAGE).split('?');
  const [, v6, name, portText] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d+))?$/.exec(authority) ?? [];
  const host = v6 ?? name ?? '';
  const port = Number(portText);
  const wellFormed = v6 === undefined ? /^[A-Za-z0-9_]([A-Za-z0-9._-]*)$/.test(host) : isIP(host) === 6;
  if (!wellFormed || rest.length > 0) throw badTarget(target, `expected ${USAGE}`);
  if (portText === undefined) throw badTarget(target, `it needs the number of a port: expected ${USAGE}`);
  if (port < 1 || port > 65_535) throw badTarget(target, `port ${portText} is not between 1 and 65535`);
  return { text: targetText(target), host, port, authority, ...parseOptions(target, query ?? '') };
}

function parseOptions(target: GrpcUri, query: string) {
  const options = { intervalMs: DEFAULT_INTERVAL_MS, jitter: DEFAULT_JITTER, respectTtl: true };
  for (const [name, value] of new URLSearchParams(query)) {
    if (name === 'interval') options.intervalMs = parseInterval(target, value);
    else if (name === 'jitter') options.jitter = parseJitter(target, value);
    else if (name === 'ttl') options.respectTtl = parseTtl(target, value);
    else throw badTarget(target, `unknown option "${name}": there are interval, jitter and ttl`);
  }
  return options;
}

function parseInterval(target: GrpcUri, text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const ms = Number(number) * UNITS_MS[unit as keyof typeof UNITS_MS];
  if (ms >= MIN_INTERVAL_MS && ms <= MAX_INTERVAL_MS) return ms;
  throw badTarget(target, `interval is "${text}": expected 100ms to 24h, such as 500ms, 5s or 2m`);
}

function parseJitter(target: GrpcUri, text: string): number {
  const jitter = text === '' ? Number.NaN : Number(text);
  if (jitter >= 0 && jitter < 1) return jitter;
  throw badTarget(target, `jitter is "${text}": expected a share from 0 to less than 1, such as 0.1`);
}

function parseTtl(target: GrpcUri, text: string): boolean {
  if (text === 'respect' || text === 'ignore') return text === 'respect';
  throw badTarget(target, `ttl is "${text}": expected respect or ignore`);
}
