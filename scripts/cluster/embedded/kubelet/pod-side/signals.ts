// In a container a program is pid 1, and the kernel drops signals that pid 1 has no handler for: Node without a
// listener for SIGTERM survives it until it is killed. As a process among others it would die of it.

const ignored = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const;
const drop = () => {};

/**
 * Listeners that do nothing stand in for the kernel's rule, and step aside for the program's own, so that code that
 * counts listeners finds what it put there.
 */
export function ignoreSignalsAsPid1(): void {
  const isIgnored = (event: string | symbol): event is (typeof ignored)[number] =>
    (ignored as readonly (string | symbol)[]).includes(event);
  for (const signal of ignored) process.on(signal, drop);
  process.on('newListener', (event: string | symbol, listener: unknown) => {
    // Only once the other is there: with none for a moment, a signal would kill.
    if (isIgnored(event) && listener !== drop) queueMicrotask(() => stepAside(event));
  });
  process.on('removeListener', (event: string | symbol, listener: unknown) => {
    if (isIgnored(event) && listener !== drop && process.listenerCount(event) === 0) process.on(event, drop);
  });
  refuseToKillPid1();
}

function stepAside(signal: (typeof ignored)[number]): void {
  if (process.listeners(signal).some((listener) => listener !== drop)) process.removeListener(signal, drop);
}

/** The program's pid 1 is itself, not the machine's; and SIGKILL or SIGSTOP from inside do nothing to it. */
function refuseToKillPid1(): void {
  const kill = process.kill.bind(process);
  process.kill = (pid, signal) => {
    const target = pid === 1 ? process.pid : pid;
    if (
      target === process.pid &&
      (signal === 'SIGKILL' || signal === 'SIGSTOP' || signal === 9 || signal === 19)
    ) {
      return true;
    }
    return kill(target, signal);
  };
}
