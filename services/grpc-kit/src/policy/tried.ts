// Which addresses a call's attempts were sent to. grpc-js makes the attempts of a call itself and tells a picker no
// more of them than their metadata, each time another copy; but all copies share one options object.
import type { Metadata } from '@grpc/grpc-js';

const addressesByCall = new WeakMap<object, Set<string>>();

/** The attempts of the call that is made with this metadata, which must be its own, avoid each other's addresses. */
export function trackAttempts(metadata: Metadata): void {
  addressesByCall.set(metadata.getOptions(), new Set());
}

/** Addresses that attempts of this call were sent to; undefined when they are not tracked. */
export function triedAddresses(metadata: Metadata): Set<string> | undefined {
  return addressesByCall.get(metadata.getOptions());
}
