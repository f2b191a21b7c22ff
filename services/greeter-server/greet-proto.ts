import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Beside the bundle, or where it is in the source tree. */
export function greetProto(): string {
  const bundled = join(import.meta.dirname, 'proto/greet.proto');
  return existsSync(bundled) ? bundled : join(import.meta.dirname, '../proto/greet.proto');
}
