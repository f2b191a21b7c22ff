// What a channel and its log would see of a resolver.
import {
  type Endpoint,
  LOCALITIES,
  type ResolverListener,
  subchannelAddressToString,
} from '../../../../services/grpc-kit/src/grpc-experimental.ts';
import type { Localities } from '../../../../services/grpc-kit/src/resolver/localities.ts';

export type Publish = {
  atMs: number;
  /** Of each endpoint its addresses, joined by `+`; undefined for an error. */
  endpoints: string[] | undefined;
  error: string | undefined;
  code: number | undefined;
  localities: Localities | undefined;
  note: string;
};

export function recorder() {
  const publishes: Publish[] = [];
  const lines: string[] = [];
  const listener: ResolverListener = (result, attributes, _serviceConfig, note) => {
    publishes.push({
      atMs: performance.now(),
      endpoints: result.ok ? result.value.map(text) : undefined,
      error: result.ok ? undefined : result.error.details,
      code: result.ok ? undefined : result.error.code,
      localities: attributes[LOCALITIES] as Localities | undefined,
      note,
    });
    return true;
  };
  return {
    listener,
    publishes,
    lines,
    logger: {
      info: (message: string) => void lines.push(`info ${message}`),
      warn: (message: string) => void lines.push(`warn ${message}`),
    },
    get last(): Publish | undefined {
      return publishes.at(-1);
    },
    /** What the channel has now: endpoints as one text, or the error. */
    get now(): string {
      const last = publishes.at(-1);
      return last?.endpoints?.join(' ') ?? last?.error ?? '';
    },
  };
}

const text = ({ addresses }: Endpoint): string => addresses.map(subchannelAddressToString).join('+');
