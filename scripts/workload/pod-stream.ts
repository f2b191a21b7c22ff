// One pod's event stream, taken up again where it broke off.
import { setTimeout as delay } from 'node:timers/promises';
import type { AgentEvent, HelloEvent, ServerEvent } from '../../services/protocol/index.ts';
import type { PodProxy } from '../cluster/index.ts';
import { messageOf } from '../common/errors.ts';

type Line = HelloEvent | AgentEvent | ServerEvent;

export type StreamOptions = {
  pod: string;
  onLine: (line: Line) => void;
  /** Something is missing: the process behind the stream is another one. */
  onGap: (reason: string) => void;
  /** The pod is on its way out, or gone: a stream that ends is then no surprise. */
  isLeaving: () => boolean;
  /** How many times its process was told to end and begin anew. */
  restartsAsked: () => number;
  /** While nothing can be heard of it, on purpose: aborts when that is over. */
  silence: () => AbortSignal | undefined;
  signal: AbortSignal;
};

/** Agents send a line at least this often; silence beyond it means that the stream is dead. */
const SILENCE_MS = 20_000;
const RETRY_MS = 200;
/** The agent keeps its events, so a stream that is taken up again within this time has lost nothing. */
const GIVE_UP_MS = 5000;

/** Follows the stream until the pod leaves, its process says that it is done, or `signal` aborts. */
export async function followPod(proxy: PodProxy, options: StreamOptions): Promise<void> {
  const { pod, signal } = options;
  let boot: string | undefined;
  let restarts = 0;
  let next = 0;
  let done = false;
  let lastError = '';

  const take = (line: Line) => {
    if (line.type === 'hello') {
      if (boot !== undefined && boot !== line.boot) {
        restarts += 1;
        if (restarts > options.restartsAsked())
          options.onGap(`${pod} was restarted: what it had not told is lost`);
        next = 0;
      }
      boot = line.boot;
      return;
    }
    if (line.type === 'counters' && line.final) done = true;
    // A `dropped` line stands for the events that it counts.
    next += line.type === 'dropped' ? line.count : 1;
    options.onLine(line);
  };

  let brokenSinceMs: number | undefined;
  let told = false;
  while (!signal.aborted && !done) {
    const silence = options.silence();
    try {
      for await (const line of proxy.lines(pod, {
        path: `/events?from=${next}`,
        // An attempt of that time may hang, and would hear of its end late.
        signal: silence ? AbortSignal.any([signal, silence]) : signal,
        timeoutMs: SILENCE_MS,
      })) {
        brokenSinceMs = undefined;
        if (line) take(JSON.parse(line) as Line);
      }
    } catch (error) {
      lastError = messageOf(error);
    }
    if (signal.aborted || done || options.isLeaving()) return;
    const isRestarting = restarts < options.restartsAsked();
    if (options.silence()) brokenSinceMs = undefined;
    brokenSinceMs ??= performance.now();
    if (!told && !isRestarting && performance.now() - brokenSinceMs > GIVE_UP_MS) {
      options.onGap(`${pod} cannot be heard any more: ${lastError || 'its event stream ends at once'}`);
      told = true;
    }
    await delay(RETRY_MS, undefined, { signal }).catch(() => {});
  }
}
