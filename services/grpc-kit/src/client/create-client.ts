import type { Client } from '@grpc/grpc-js';
import { registerPolicies } from '../policy/index.ts';
import { registerResolvers } from '../resolver/index.ts';
import { serviceName } from '../service-name.ts';
import { ActiveCalls } from './active-calls.ts';
import { type CallMaker, makeCallers, metadataOf } from './calls.ts';
import type { ClientOptions } from './options.ts';
import { takeChannels } from './shared-channels.ts';
import type { AnyMethod, AnyService, Methods } from './types.ts';

/** Names that are not left to methods. */
const OWN_NAMES = ['close', 'channels'] as const;

type Channel = ReturnType<Client['getChannel']>;

export type KitClient<Service> = Methods<Service> & ClientLife;

/** What a client has beside its methods. */
export type ClientLife = AsyncDisposable & {
  /**
   * No new calls; resolves when those in flight have ended and, if no other client shares the channel, its
   * connections, timers and watches are gone. Once more does no harm.
   *
   * @param options.timeoutMs after which calls that are still open are cancelled; 0 cancels at once. Default 30 000.
   */
  close: (options?: { timeoutMs?: number }) => Promise<void>;
  /** grpc-js's channels, for their connectivity state, for channelz, or as a generated client's `channelOverride`. */
  readonly channels: readonly Channel[];
};

/**
 * A typed client of any service. Clients of the same target and options share one channel, whoever makes them.
 * Connections are made with the first call.
 *
 * @param service the definition that generated code exports, such as `GreeterService`.
 * @param target `kubernetes:///service.namespace:port`, `dns-poll:///name:port?interval=5s`, or any of grpc-js's own:
 *   `dns:///name:port`, `ipv4:1.2.3.4:50051,…`, `unix:path`.
 * @throws Error when target or options cannot be, or a method is called `close` or `channels`.
 */
export function createClient<Service extends AnyService>(
  service: Service,
  target: string,
  options: ClientOptions = {},
): KitClient<Service> {
  registerResolvers();
  registerPolicies();
  for (const name of OWN_NAMES) {
    if (name in service) throw new Error(`grpc-kit: a method cannot be called ${name}: the client has one`);
  }
  const { channels, release } = takeChannels(target, options, serviceName(service));
  const calls = new ActiveCalls();
  let closing: Promise<void> | undefined;

  const maker: CallMaker = {
    target,
    options,
    metadata: metadataOf(options),
    next(): Client {
      if (closing !== undefined) throw new Error(`grpc-kit: the client of ${target} is closed`);
      return channels.next();
    },
    calls,
  };

  async function end(timeoutMs: number): Promise<void> {
    await calls.end(timeoutMs);
    release();
  }
  const close: ClientLife['close'] = ({ timeoutMs = 30_000 } = {}) => {
    closing ??= end(timeoutMs);
    return closing;
  };
  const life: ClientLife = {
    close,
    channels: channels.all.map((client) => client.getChannel()),
    [Symbol.asyncDispose]: () => close(),
  };
  return Object.assign(makeCallers(service as Record<string, AnyMethod>, maker) as Methods<Service>, life);
}
