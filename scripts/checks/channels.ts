// Calls by the channel that made them: a client deals its calls to its channels in turn.
import { type Call, callsStartedIn, type History, type Part, startedMs } from '../history/index.ts';

/** Which part of the run, and how many channels each client has. */
export type OfChannels = { arm: string; channels: number; part: Part };

export type ChannelCalls = {
  /** `channel 3`, counted from 1; of several clients `client-x channel 3`. */
  name: string;
  /** In the order in which they were started. */
  calls: readonly Call[];
};

/** The answered calls of an arm, by channel. */
export function callsByChannel(history: History, { arm, channels, part }: OfChannels): ChannelCalls[] {
  const answered = callsStartedIn(history, arm, part.fromMs, part.untilMs)
    .filter(({ pod }) => pod !== undefined)
    .sort((a, b) => startedMs(a) - startedMs(b));
  const isOne = new Set(answered.map(({ source }) => source)).size === 1;
  const byChannel = Map.groupBy(
    answered,
    ({ source, seq }) => `${isOne ? '' : `${source} `}channel ${(seq % channels) + 1}`,
  );
  return [...byChannel].map(([name, calls]) => ({ name, calls }));
}

/** How many of some calls each pod answered. */
export function callsByPod(calls: readonly Call[]): Map<string, number> {
  const byPod = new Map<string, number>();
  for (const { pod } of calls) if (pod !== undefined) byPod.set(pod, (byPod.get(pod) ?? 0) + 1);
  return byPod;
}
