// What pods tell, in the words of a history.
import type { AgentEvent, HelloEvent, ServerEvent } from '../../services/protocol/index.ts';
import type { HistoryEvent } from '../history/index.ts';

/** An event by its source's clock; the driver's time is added when the clocks are known best. */
export type RawEvent = { event: HistoryEvent; sourceMs?: number };

/** @returns the event, or undefined for those that say nothing about the run. */
export function fromPod(
  line: HelloEvent | AgentEvent | ServerEvent,
  pod: string,
  arm: string,
): RawEvent | undefined {
  const seen = { source: pod, arm, atMs: 0 };
  switch (line.type) {
    case 'call': {
      const { intendedMs, workload, ...call } = line;
      return { event: { ...call, ...seen, arm: workload }, sourceMs: intendedMs };
    }
    case 'resolved': {
      const { type, channel, ok, detail, workload } = line;
      return { event: { type, channel, ok, detail, ...seen, arm: workload }, sourceMs: line.atMs };
    }
    case 'connectivity': {
      const { type, subchannel, state, workload } = line;
      return { event: { type, subchannel, state, ...seen, arm: workload }, sourceMs: line.atMs };
    }
    case 'dns': {
      const { type, name, records } = line;
      const error = line.error === undefined ? {} : { error: line.error };
      return { event: { type, name, records, ...error, ...seen }, sourceMs: line.atMs };
    }
    case 'counters': {
      const { type, final, clients, connections } = line;
      return { event: { type, final, clients, connections, ...seen }, sourceMs: line.atMs };
    }
    case 'lifecycle':
      return { event: { type: 'lifecycle', phase: line.phase, ...seen }, sourceMs: line.atMs };
    case 'dropped':
      return {
        event: {
          type: 'gap',
          reason: `${pod} threw away ${line.count} events that nobody read in time`,
          ...seen,
        },
        sourceMs: line.atMs,
      };
    case 'hello':
    case 'workload':
      return undefined;
  }
}
