// What a call's end tells, whichever library made it.
import { type Metadata, status } from '@grpc/grpc-js';
import {
  GRPC_PREVIOUS_ATTEMPTS_METADATA,
  POD_METADATA,
  PREVIOUS_ATTEMPTS_METADATA,
} from '../../protocol/index.ts';
import type { Outcome } from './stack.ts';

/** A status, with its trailers where there are some. */
export type End = { code: status; details: string; metadata?: Metadata };

/**
 * @param peer as grpc-js tells it: the target, or "unknown", where no attempt was picked.
 * @param headers the server's initial metadata, if it came.
 */
export function outcomeOf(peer: string | undefined, headers: Metadata | undefined, end: End): Outcome {
  // A server that fails a call tells who it is in the trailers, which come with the error.
  const trailers = end.code === status.OK ? undefined : end.metadata;
  const pod = first(headers, POD_METADATA) ?? first(trailers, POD_METADATA);
  const previous = first(headers, PREVIOUS_ATTEMPTS_METADATA) ?? first(trailers, PREVIOUS_ATTEMPTS_METADATA);
  return {
    code: status[end.code] ?? String(end.code),
    ...(end.code !== status.OK && { message: end.details }),
    ...(pod !== undefined && { pod }),
    ...(peer !== undefined && /^[[\d].*:\d+$/.test(peer) && { peer }),
    ...(previous !== undefined && { previousAttempts: Number(previous) }),
  };
}

/** Attempts beyond the first that the retry policy made, by what grpc-js adds to a call's metadata or message. */
export function retriesOf(headers: Metadata | undefined, end: End): number {
  const told =
    first(headers, GRPC_PREVIOUS_ATTEMPTS_METADATA) ??
    first(end.metadata, GRPC_PREVIOUS_ATTEMPTS_METADATA) ??
    end.details.match(/previous attempts: (\d+)/)?.[1];
  return Number(told ?? 0);
}

function first(metadata: Metadata | undefined, key: string): string | undefined {
  const value = metadata?.get(key)[0];
  return value === undefined ? undefined : String(value);
}
