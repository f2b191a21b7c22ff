import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { roundMs } from '../common/clock.ts';
import type { HealthProbeAnswer, HealthProbeRequest } from '../protocol/index.ts';

/** Beside the bundle, or where it is in the source tree. */
function program(): string {
  const bundled = join(import.meta.dirname, 'health-probe.js');
  return existsSync(bundled) ? bundled : join(import.meta.dirname, 'health-probe.ts');
}

/** Runs the health-probe script as an exec probe does, one time after another, and says how long it took. */
export async function runHealthProbe({
  times,
  workMs,
}: z.output<typeof HealthProbeRequest>): Promise<HealthProbeAnswer> {
  const runs: HealthProbeAnswer['runs'] = [];
  while (runs.length < times) {
    const startedMs = performance.now();
    const child = spawn(process.execPath, [program(), '--work', `${workMs}`], { stdio: 'ignore' });
    const [code] = (await once(child, 'exit')) as [number | null];
    runs.push({ ms: roundMs(performance.now() - startedMs), code });
  }
  return { runs };
}
