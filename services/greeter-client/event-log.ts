import type { AgentEvent } from '../protocol/index.ts';

export type EventLog = ReturnType<typeof createEventLog>;

/**
 * The events of this process, numbered from 0, the newest `kept` of them. They are kept as the lines that will be
 * sent: one string costs less memory than its object, and is made once however often it is read.
 */
export function createEventLog(kept: number) {
  const lines = new Array<string>(kept);
  let next = 0;
  const first = () => Math.max(0, next - kept);

  return {
    append(event: AgentEvent): void {
      lines[next % kept] = `${JSON.stringify(event)}\n`;
      next += 1;
    },
    /** Index of the oldest event that is kept. */
    first,
    /** Index that the next event will have. */
    next: () => next,
    /** The lines of at most `most` events from index `from` on, as one string. */
    read(from: number, most: number): { text: string; to: number } {
      const to = Math.min(next, from + most);
      let text = '';
      for (let index = from; index < to; index += 1) text += lines[index % kept];
      return { text, to };
    },
  };
}
