// One file per client library; a workload's spec says which.
import type { WorkloadSpec } from '../../protocol/index.ts';
import { openGrpcJs } from './grpc-js.ts';
import { openKit } from './kit.ts';
import type { Stack, Tell } from './stack.ts';

export { countOpen } from './channelz.ts';

const open = { 'grpc-js': openGrpcJs, kit: openKit };

/** @param client what servers count by. @throws when the library does not take the spec. */
export function openStack(spec: WorkloadSpec, client: string, tell: Tell): Stack {
  return open[spec.stack](spec, client, tell);
}
