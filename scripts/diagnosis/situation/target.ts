import type { Target } from '../targets.ts';

/** What gRPC dials where no port is given. Source: grpc/grpc, doc/naming.md. */
const DEFAULT_PORT = 443;

/** The port that is dialled. */
export const portOf = ({ port, scheme }: Pick<Target, 'port' | 'scheme'>): number =>
  port ?? (scheme === 'http' ? 80 : DEFAULT_PORT);
