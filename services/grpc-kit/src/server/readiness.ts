import type { Logger } from '../logger.ts';

export type Readiness = () => boolean | Promise<boolean>;

/**
 * Asks at once and then at an interval. Not ready is: `false`, an error, and no answer until the next time.
 *
 * @returns what ends it.
 */
export function followReadiness(
  isReady: Readiness,
  intervalMs: number,
  setReady: (ready: boolean) => void,
  logger: Logger,
): () => void {
  let asking = false;
  let stopped = false;
  let known: boolean | undefined;
  let knownProblem: string | undefined;

  function conclude(ready: boolean, problem?: string): void {
    if (stopped || (ready === known && problem === knownProblem)) return;
    if (problem !== undefined) logger.warn(`not ready: ${problem}`);
    else if (!ready) logger.info('not ready');
    else if (known !== undefined) logger.info('ready');
    if (ready !== known) setReady(ready);
    known = ready;
    knownProblem = problem;
  }

  async function ask(): Promise<void> {
    if (asking) {
      conclude(false, `readiness() has not answered within ${intervalMs} ms`);
      return;
    }
    asking = true;
    try {
      conclude(await isReady());
    } catch (error) {
      conclude(false, `readiness() failed: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      asking = false;
    }
  }

  void ask();
  const timer = setInterval(() => void ask(), intervalMs).unref();
  return () => {
    stopped = true;
    clearInterval(timer);
  };
}
