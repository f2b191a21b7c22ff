import type { GrpcUri } from '../grpc-experimental.ts';

/** The target as one writes it. */
export function targetText({ scheme, authority, path }: GrpcUri): string {
  return `${scheme === undefined ? '' : `${scheme}:`}${authority === undefined ? '' : `//${authority}/`}${path}`;
}

/**
 * What follows `scheme:///`.
 * @throws when the target has an authority, or too few slashes for grpc-js to see where the path begins.
 */
export function pathOf(target: GrpcUri, usage: string): string {
  if (target.authority || target.path.startsWith('/')) {
    throw badTarget(target, `write it with three slashes, ${usage}`);
  }
  return target.path;
}

export function badTarget(target: GrpcUri, why: string): Error {
  return new Error(`Target ${targetText(target)}: ${why}`);
}
