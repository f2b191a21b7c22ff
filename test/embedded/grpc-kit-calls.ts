// A client of grpc-kit that calls all the time, in the tests' own process.
import { expect, onTestFinished } from 'vitest';
import { GreeterService } from '../../services/gen/greet.ts';
import { createClient } from '../../services/grpc-kit/src/index.ts';
import { eventually } from '../support/eventually.ts';

const DEADLINE_MS = 3000;

/** Calls every 20 ms, from when one was answered until the test ends. */
export async function callingFrom(target: string, kubeconfig: string) {
  const said: string[] = [];
  const counts: number[] = [];
  const failures: unknown[] = [];
  const note = (message: string) => said.push(message);
  const client = createClient(GreeterService, target, {
    kubernetes: { kubeconfig },
    logger: { info: note, warn: note },
    onAddresses: ({ endpoints }) => counts.push(endpoints),
    deadlineMs: DEADLINE_MS,
    retry: true,
  });
  let answered = 0;
  let slowestMs = 0;
  const call = async () => {
    const startedMs = performance.now();
    await client.sayHello({ name: 'Ada' }).then(
      () => {
        answered += 1;
      },
      (error: unknown) => failures.push(error),
    );
    slowestMs = Math.max(slowestMs, performance.now() - startedMs);
  };
  let timer: NodeJS.Timeout | undefined;
  onTestFinished(async () => {
    clearInterval(timer);
    await client.close();
  });
  await client.sayHello({ name: 'Ada' }, { waitForReady: true });
  timer = setInterval(call, 20);
  return {
    client,
    /** What it wrote to its log. */
    said,
    /** How many endpoints each list had that it was told of. */
    counts,
    knows: (endpoints: number) =>
      eventually(
        () => counts.at(-1) === endpoints,
        () => [counts, said],
      ),
    /** Of many calls, of which the last have just been made, none failed, and none took longer than it may. */
    noneLost: async () => {
      const atLeast = Math.max(50, answered + 5);
      await eventually(
        () => answered >= atLeast,
        () => [answered, failures],
      );
      expect(failures).toEqual([]);
      expect(slowestMs).toBeLessThan(DEADLINE_MS + 1000);
    },
  };
}
