// Which addresses a call's attempts were sent to. grpc-js makes the attempts of a call itself and tells a picker no
// more of them than their metadata, each time another copy; but all copies share one options object.
import type { Metadata, MetadataOptions } from '@grpc/grpc-js';

const TRIED = Symbol('grpc-kit.tried');

type TrackedOptions = MetadataOptions & { [TRIED]?: string[] };

/** The same options, for the metadata of one call: its attempts avoid each other's addresses. */
export function trackingAttempts(options: MetadataOptions): MetadataOptions {
  const tracked: TrackedOptions = { ...options, [TRIED]: [] };
  return tracked;
}

/** Addresses that attempts of this call were sent to, oldest first; undefined when they are not tracked. */
export function triedAddresses(metadata: Metadata): string[] | undefined {
  return (metadata.getOptions() as TrackedOptions)[TRIED];
}
