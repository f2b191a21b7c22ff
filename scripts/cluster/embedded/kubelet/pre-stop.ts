// The preStop hook.
import type { V1LifecycleHandler } from '@kubernetes/client-node';
import type { Plain } from '../../../common/plain.ts';

import { timerMs } from '../timer.ts';
import { type ProbeTarget, runProbe } from './probes/probe.ts';

type Handler = Plain<V1LifecycleHandler>;

/** @returns whether it did what it should, in the time that it has. Never rejects. */
export async function runHook(
  { exec, httpGet, sleep }: Handler,
  { timeoutMs, ...target }: ProbeTarget & { timeoutMs: number },
): Promise<boolean> {
  if (sleep) {
    const ms = timerMs(Math.min(sleep.seconds * 1000, timeoutMs));
    await new Promise((resolve) => setTimeout(resolve, ms).unref());
    return true;
  }
  if (exec) return (await target.exec(exec.command ?? [], timeoutMs)).result === 'success';
  if (!httpGet) return true;
  // Made as a probe is. An answer of any status will do there, but a port that refuses will not.
  const { result, text } = await runProbe({ httpGet, timeoutSeconds: timeoutMs / 1000 }, target);
  return result === 'success' || text.startsWith('HTTP probe failed with statuscode');
}
