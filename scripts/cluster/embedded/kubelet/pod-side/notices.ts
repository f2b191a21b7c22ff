import { writeSync } from 'node:fs';
import { NOTICES_FD, type PodSide } from './config.ts';

/** `loaded`, or the port that the program has begun to listen on. */
export type Notify = (notice: 'loaded' | number) => void;

export function notifier({ first }: PodSide): Notify {
  if (!first) return () => {};
  return (notice) => {
    try {
      writeSync(NOTICES_FD, `${notice}\n`);
    } catch {
      // Nobody listens any more, or the program has closed it: a notice is never worth a pod.
    }
  };
}
