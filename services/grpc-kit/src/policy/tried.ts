// Which addresses a call's attempts were sent to. grpc-js makes the attempts of a call itself and tells a picker no
// more of them than their metadata, each time another copy; but all copies share one options object.
import type { Metadata, MetadataOptions } from '@grpc/grpc-js';

const TRIED = Symbol('grpc-kit.tried');
const NONE: readonly string[] = [];

type TrackedOptions = MetadataOptions & { [TRIED]?: readonly string[] };

/** The same options, for the metadata of one call: its attempts avoid each other's addresses. */
export function trackingAttempts(options: MetadataOptions): MetadataOptions {
  const tracked: TrackedOptions = { ...options, [TRIED]: NONE };
  return tracked;
}

/** Addresses that attempts of this call were sent to, oldest first; undefined when they are not tracked. */
export function triedAddresses(metadata: Metadata): readonly string[] | undefined {
  return (metadata.getOptions() as TrackedOptions)[TRIED];
}

/** From now on these are the addresses that attempts of this call were sent to. */
export function setTriedAddresses(metadata: Metadata, tried: readonly string[]): void {
  (metadata.getOptions() as TrackedOptions)[TRIED] = tried;
}
