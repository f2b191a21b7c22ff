// Channels by target and options: clients that ask for the same share one, and the last that closes it closes it.
import { createHash } from 'node:crypto';
import { type ChannelCredentials, type ChannelOptions, Client } from '@grpc/grpc-js';
import type { ChannelContext } from '../channel-context.ts';
import { CHANNEL_CONTEXT } from '../grpc-experimental.ts';
import { defaultLogger, guardedLogger } from '../logger.ts';
import { clientCredentials } from '../tls.ts';
import { channelOptions } from './channel-options.ts';
import type { ClientOptions } from './options.ts';

/** One channel for each of the connections per address, taken in turn. */
export class SharedChannels {
  readonly target: string;
  readonly all: readonly Client[];
  #next = 0;

  constructor(target: string, credentials: ChannelCredentials, options: ChannelOptions, count: number) {
    this.target = target;
    this.all = Array.from({ length: count }, () => new Client(target, credentials, options));
  }

  next(): Client {
    this.#next = (this.#next + 1) % this.all.length;
    return this.all[this.#next] as Client;
  }

  close(): void {
    for (const client of this.all) client.close();
  }
}

const open = new Map<string, { channels: SharedChannels; users: number }>();

/** @returns the channels, and what lets go of them: once, by each who took them. */
export function takeChannels(
  target: string,
  options: ClientOptions,
  service: string,
): { channels: SharedChannels; release: () => void } {
  const ofChannel = channelOptions(options, service);
  const count = options.connectionsPerAddress ?? 1;
  const key = keyOf(target, options, ofChannel, count);
  const entry = open.get(key) ?? { channels: openChannels(target, options, ofChannel, count), users: 0 };
  open.set(key, entry);
  entry.users += 1;
  return {
    channels: entry.channels,
    release: () => {
      entry.users -= 1;
      if (entry.users > 0) return;
      open.delete(key);
      entry.channels.close();
    },
  };
}

function openChannels(
  target: string,
  options: ClientOptions,
  ofChannel: ChannelOptions,
  count: number,
): SharedChannels {
  const { tls, logger = defaultLogger, kubernetes, onAddresses } = options;
  const credentials = options.credentials ?? clientCredentials(tls === true ? {} : tls || undefined);
  const context: ChannelContext = {
    target,
    logger: guardedLogger(logger),
    learned: {},
    ...(kubernetes && { kubernetes }),
    ...(onAddresses && { onAddresses }),
  };
  return new SharedChannels(target, credentials, { ...ofChannel, [CHANNEL_CONTEXT]: context }, count);
}

/** Objects that cannot be compared by what they hold are told apart by number. */
const numbers = new WeakMap<object, number>();
let lastNumber = 0;

function numberOf(object: object): number {
  const known = numbers.get(object);
  if (known !== undefined) return known;
  lastNumber += 1;
  numbers.set(object, lastNumber);
  return lastNumber;
}

function keyOf(target: string, options: ClientOptions, ofChannel: ChannelOptions, count: number): string {
  const { tls, credentials, kubernetes, onAddresses, logger = defaultLogger } = options;
  const parts = [
    target,
    Object.entries(ofChannel).sort(([a], [b]) => (a < b ? -1 : 1)),
    count,
    tls,
    credentials && numberOf(credentials),
    kubernetes,
    numberOf(logger),
    onAddresses && numberOf(onAddresses),
  ];
  // A key with a private key in it would be a copy of it.
  return createHash('sha256').update(JSON.stringify(parts, replaceObjects)).digest('base64');
}

function replaceObjects(_key: string, value: unknown): unknown {
  if (typeof value === 'function') return numberOf(value);
  return value === undefined ? null : value;
}
