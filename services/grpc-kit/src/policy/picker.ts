import type { PickArgs, Picker, PickResult } from '../grpc-experimental.ts';
import { setTriedAddresses, triedAddresses } from './tried.ts';

/** An endpoint with a connection. */
export type ReadyEndpoint = { address: string; picker: Picker };

/** Numbers below it are small integers to V8, which need no memory of their own. */
export const WRAP = 2 ** 30;

/** Where round robin goes on in the next picker, so that a change of the list favours nobody. */
export type Rotation = { next: number };

/**
 * Round robin over the first tier. An attempt of a call whose earlier attempts are known goes to the next endpoint
 * that none of them went to: in this tier, else in the next; when all have been tried, it is as if none had.
 *
 * @param tiers best first, none of them empty, at least one.
 */
export class TieredPicker implements Picker {
  readonly #tiers: readonly (readonly ReadyEndpoint[])[];
  readonly #rotation: Rotation;

  constructor(tiers: readonly (readonly ReadyEndpoint[])[], rotation: Rotation) {
    this.#tiers = tiers;
    this.#rotation = rotation;
  }

  pick(args: PickArgs): PickResult {
    const tried = triedAddresses(args.metadata);
    const untried = this.#untried(tried);
    const endpoint = untried ?? this.#next(this.#tiers[0] as readonly ReadyEndpoint[]);
    if (tried) setTriedAddresses(args.metadata, (untried ? tried : []).concat(endpoint.address));
    return endpoint.picker.pick(args);
  }

  #untried(tried: readonly string[] | undefined): ReadyEndpoint | undefined {
    for (const tier of this.#tiers) {
      for (let step = 0; step < tier.length; step += 1) {
        const endpoint = this.#next(tier);
        if (!tried?.includes(endpoint.address)) return endpoint;
      }
    }
    return undefined;
  }

  #next(tier: readonly ReadyEndpoint[]): ReadyEndpoint {
    this.#rotation.next = (this.#rotation.next + 1) % WRAP;
    return tier[this.#rotation.next % tier.length] as ReadyEndpoint;
  }
}
