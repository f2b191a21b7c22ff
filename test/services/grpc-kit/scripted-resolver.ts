// `scripted:///name`: a resolver whose results the test gives.
import {
  type GrpcUri,
  LOCALITIES,
  NO_ENDPOINTS,
  type ResolverListener,
  registerResolver,
  statusOrFromError,
  statusOrFromValue,
} from '../../../services/grpc-kit/src/grpc-experimental.ts';
import type { Locality } from '../../../services/grpc-kit/src/resolver/localities.ts';

export type Place = Locality & { address: string };

export type Script = {
  target: string;
  /** Endpoints with their places, as `kubernetes:///` gives them; without places, as DNS does. */
  give: (places: readonly Place[], options?: { places?: boolean }) => void;
  /** There are none (`gone`), or they could not be found out. */
  fail: (details: string, options?: { gone?: boolean }) => void;
  resolutionsAskedFor: () => number;
};

type Result = Parameters<ResolverListener>;
const scripts = new Map<string, { result?: Result; listeners: Set<ResolverListener>; asked: number }>();
let made = 0;

export function script(): Script {
  made += 1;
  const name = `script-${made}`;
  const entry: { result?: Result; listeners: Set<ResolverListener>; asked: number } = {
    listeners: new Set(),
    asked: 0,
  };
  scripts.set(name, entry);
  const tell = (result: Result): void => {
    entry.result = result;
    for (const listener of entry.listeners) listener(...result);
  };
  return {
    target: `scripted:///${name}`,
    resolutionsAskedFor: () => entry.asked,
    give: (places, { places: known = true } = {}) => {
      const endpoints = places.map(({ address }) => {
        const [host = '', port] = address.split(':');
        return { addresses: [{ host, port: Number(port) }] };
      });
      const localities = new Map(places.map(({ address, ...place }) => [address, place]));
      tell([statusOrFromValue(endpoints), known ? { [LOCALITIES]: localities } : {}, null, 'scripted']);
    },
    fail: (details, { gone = false } = {}) => {
      tell([statusOrFromError({ code: 14, details }), gone ? { [NO_ENDPOINTS]: true } : {}, null, '']);
    },
  };
}

class ScriptedResolver {
  readonly #entry;
  readonly #listener: ResolverListener;
  #open = false;
  constructor(target: GrpcUri, listener: ResolverListener) {
    const entry = scripts.get(target.path);
    if (entry === undefined) throw new Error(`no script ${target.path}`);
    this.#entry = entry;
    this.#listener = listener;
  }
  updateResolution(): void {
    this.#entry.asked += 1;
    if (this.#open) return;
    this.#open = true;
    this.#entry.listeners.add(this.#listener);
    const { result } = this.#entry;
    if (result) setImmediate(() => this.#open && this.#listener(...result));
  }
  destroy(): void {
    this.#open = false;
    this.#entry.listeners.delete(this.#listener);
  }
  static getDefaultAuthority(target: GrpcUri): string {
    return target.path;
  }
}
registerResolver('scripted', ScriptedResolver);
