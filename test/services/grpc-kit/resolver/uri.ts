import type { GrpcUri } from '../../../../services/grpc-kit/src/grpc-experimental.ts';

/** A target as grpc-js splits it, which does not export how: uri-parser.ts of 1.14. */
export function parsed(target: string): GrpcUri {
  const [, scheme = '', authority, path = ''] =
    /^(?:([A-Za-z0-9+.-]+):)?(?:\/\/([^/]*)\/)?(.+)$/.exec(target) ?? [];
  return { scheme, path, ...(authority !== undefined && { authority }) };
}
