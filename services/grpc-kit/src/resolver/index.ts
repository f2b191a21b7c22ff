// Target schemes beside those of grpc-js.
import { registerResolver } from '../grpc-experimental.ts';
import { DnsPollResolver } from './dns-poll/resolver.ts';
import { KubernetesResolver } from './kubernetes/resolver.ts';

/**
 * Makes grpc-js know targets `kubernetes:///service.namespace:port` and `dns-poll:///name:port`. Again does no harm. It
 * is for the copy of @grpc/grpc-js that grpc-kit imports, and for channels made afterwards.
 */
export function registerResolvers(): void {
  registerResolver('kubernetes', KubernetesResolver);
  registerResolver('dns-poll', DnsPollResolver);
}
