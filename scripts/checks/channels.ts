// Calls by the channel that made them: a client deals its calls to its channels in turn.
import {
  type Call,
  callsOf,
  callsStartedIn,
  type History,
  type Part,
  startedMs,
  tookMs,
} from '../history/index.ts';

/** Which part of the run, and how many channels each client has. */
export type OfChannels = { arm: string; channels: number; part: Part };

export type ChannelCalls = {
  /** `channel 3`, counted from 1; of several clients `client-x channel 3`. */
  name: string;
  /** In the order in which they were started. */
  calls: readonly Call[];
  /** What the first of all its calls took, before this part of the run too: that one waited for the connection. */
  firstTookMs: number | undefined;
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
  const firsts = callsOf(history, arm).filter(({ seq }) => seq < channels);
  const firstOf = ({ source, seq }: Call) =>
    firsts.find((call) => call.source === source && call.seq === seq % channels);
  return [...byChannel].map(([name, calls]) => {
    const first = calls[0] && firstOf(calls[0]);
    return { name, calls, firstTookMs: first && tookMs(first) };
  });
}

/** How many of some calls each pod answered. */
export function callsByPod(calls: readonly Call[]): Map<string, number> {
  const byPod = new Map<string, number>();
  for (const { pod } of calls) if (pod !== undefined) byPod.set(pod, (byPod.get(pod) ?? 0) + 1);
  return byPod;
}
