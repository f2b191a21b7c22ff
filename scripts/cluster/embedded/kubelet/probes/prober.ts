// The probes of one running container: when they are made, and what follows from them.
import { createBell } from '../waiting.ts';
import { type Probe, type ProbeTarget, portOf, runProbe } from './probe.ts';
import type { ProbeResult } from './result.ts';

export type ProbeKind = 'Startup' | 'Readiness' | 'Liveness';
export type Prober = ReturnType<typeof startProbes>;

/**
 * A start-up probe goes before the others. Each first probe is made as soon as the container listens on the probe's
 * port, or after one period: sooner it could only fail. When start-up has passed, readiness is asked at once.
 */
export function startProbes(
  target: ProbeTarget,
  on: {
    started: () => void;
    ready: (isReady: boolean) => void;
    /** Not succeeded: for the event. */
    notSucceeded: (kind: ProbeKind, result: ProbeResult) => void;
    /** The container is to be restarted. */
    failed: (kind: 'Startup' | 'Liveness', probe: Probe) => void;
  },
) {
  const { startupProbe, readinessProbe, livenessProbe } = target.container;
  const workers: ReturnType<typeof startWorker>[] = [];
  const startedMs = performance.now();
  const listening = new Set<number>();
  let stopped = false;

  function startWorker(kind: ProbeKind, probe: Probe, atOnce: boolean, onResult: (passed: boolean) => void) {
    const bell = createBell();
    let over = false;
    const isOver = () => over || stopped;
    const delayMs = (probe.initialDelaySeconds ?? 0) * 1000;
    const periodMs = (probe.periodSeconds ?? 10) * 1000;
    const port = probe.exec ? undefined : portOf(probe, target.container);

    async function run(): Promise<void> {
      const isUp = () => atOnce || (port === undefined ? listening.size > 0 : listening.has(port));
      const firstMs = startedMs + Math.max(delayMs, periodMs);
      while (!isOver()) {
        const elapsed = performance.now() - startedMs;
        if ((elapsed >= delayMs && isUp()) || performance.now() >= firstMs) break;
        await bell.wait((elapsed >= delayMs ? firstMs : startedMs + delayMs) - performance.now());
      }
      let streak = 0;
      let last: boolean | undefined;
      while (!isOver()) {
        const nextMs = performance.now() + periodMs;
        const outcome = await runProbe(probe, target, bell);
        if (isOver()) return;
        if (outcome.result !== 'success') on.notSucceeded(kind, outcome);
        if (outcome.result !== 'errored') {
          const passed = outcome.result === 'success';
          streak = passed === last ? streak + 1 : 1;
          last = passed;
          const threshold = passed ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
          if (streak >= threshold) onResult(passed);
        }
        while (!isOver() && performance.now() < nextMs) await bell.wait(nextMs - performance.now());
      }
    }
    void run();
    return {
      kind,
      /** Something has begun to listen. */
      wake: () => bell.ring(),
      stop(): void {
        over = true;
        bell.ring();
      },
    };
  }

  function end(kind: ProbeKind): void {
    for (const worker of workers) if (worker.kind === kind) worker.stop();
  }

  function startOthers(atOnce: boolean): void {
    if (stopped) return;
    if (readinessProbe) workers.push(startWorker('Readiness', readinessProbe, atOnce, on.ready));
    if (livenessProbe) {
      const onResult = (passed: boolean) => {
        if (passed) return;
        end('Liveness');
        on.failed('Liveness', livenessProbe);
      };
      workers.push(startWorker('Liveness', livenessProbe, atOnce, onResult));
    }
  }

  if (startupProbe) {
    const onResult = (passed: boolean) => {
      end('Startup');
      if (!passed) return on.failed('Startup', startupProbe);
      on.started();
      startOthers(true);
    };
    workers.push(startWorker('Startup', startupProbe, false, onResult));
  } else startOthers(false);

  return {
    listening(port: number): void {
      listening.add(port);
      for (const worker of workers) worker.wake();
    },
    /** A container that is being stopped is asked for readiness only. */
    stopping(): void {
      end('Startup');
      end('Liveness');
    },
    stop(): void {
      stopped = true;
      for (const worker of workers) worker.stop();
    },
  };
}
