// What grpc-js tells of its channels through channelz, its one public window on them. It is asked in-process: its
// handlers answer at once. A trace holds its last 32 to 64 entries, so it is read often; more than that many state
// changes between two readings (a channel to dozens of pods losing them all) could push a resolution out.
import { type Client, getChannelzHandlers, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { nowMs, roundMs } from '../../common/clock.ts';
import { resolutionsIn, statesIn, type TraceEntry } from './channelz-trace.ts';
import type { Tell } from './stack.ts';

const POLL_INTERVAL_MS = 250;
const handlers = getChannelzHandlers();

type Handler<Request, Answer> = (
  call: ServerUnaryCall<Request, Answer>,
  callback: sendUnaryData<Answer>,
) => void;

/** Calls a handler that answers before it returns. */
function ask<Request, Answer>(handler: Handler<Request, Answer>, request: Request): Answer | undefined {
  let answer: Answer | undefined;
  handler({ request } as ServerUnaryCall<Request, Answer>, (_error, value) => {
    answer = value ?? undefined;
  });
  return answer;
}

/** The channels of this process that are not closed, and their connections: channels can share them. */
export function countOpen(): { channels: number; connections: number } {
  const subchannels = new Set<number>();
  let channels = 0;
  let next = 0;
  for (let end = false; !end; ) {
    const page = ask(handlers.GetTopChannels, { start_channel_id: String(next), max_results: '0' });
    for (const { ref, subchannel_ref } of page?.channel ?? []) {
      channels += 1;
      next = Number(ref?.channel_id) + 1;
      for (const { subchannel_id } of subchannel_ref ?? []) subchannels.add(Number(subchannel_id));
    }
    end = page?.end ?? true;
  }
  const sockets = [...subchannels].flatMap(
    (id) => ask(handlers.GetSubchannel, { subchannel_id: String(id) })?.subchannel?.socket_ref ?? [],
  );
  return { channels, connections: new Set(sockets.map(({ socket_id }) => Number(socket_id))).size };
}

type Watched = { id: number; traced: number };

type Trace = {
  events?: { description?: string; timestamp?: { seconds?: unknown; nanos?: unknown } | null }[];
  num_events_logged?: unknown;
};

const entriesOf = ({ events = [] }: Trace): TraceEntry[] =>
  events.map(({ description = '', timestamp }) => ({
    description,
    systemMs: Number(timestamp?.seconds ?? 0) * 1000 + Number(timestamp?.nanos ?? 0) / 1e6,
  }));

/** Everything else here is told by the process's own clock. */
const ownMs = (systemMs: number): number => roundMs(systemMs + nowMs() - Date.now());

/**
 * Tells each resolution of the channels and each change of their subchannels' states once, and counts the attempts that
 * were put on their connections.
 */
export function watchChannels(watched: readonly ReturnType<Client['getChannel']>[], tell: Tell) {
  const channels: Watched[] = watched.map((channel) => ({
    id: channel.getChannelzRef().id,
    traced: 0,
  }));
  const subchannels = new Map<number, { attempts: number; traced: number }>();

  function poll(): void {
    for (const [index, channel] of channels.entries()) readChannel(channel, index);
    for (const [id, subchannel] of subchannels) readSubchannel(id, subchannel);
  }

  function readChannel(watched: Watched, index: number): void {
    const channel = ask(handlers.GetChannel, { channel_id: String(watched.id) })?.channel;
    for (const { subchannel_id } of channel?.subchannel_ref ?? []) know(subchannel_id);
    const trace = channel?.data?.trace ?? {};
    for (const { subchannel_ref } of trace.events ?? []) {
      if (subchannel_ref) know(subchannel_ref.subchannel_id);
    }
    const logged = Number(trace.num_events_logged ?? watched.traced);
    for (const { systemMs, ok, detail } of resolutionsIn(entriesOf(trace), logged - watched.traced)) {
      tell.resolution({ channel: index, atMs: ownMs(systemMs), ok, detail });
    }
    watched.traced = logged;
  }

  function know(id: unknown): void {
    if (!subchannels.has(Number(id))) subchannels.set(Number(id), { attempts: 0, traced: 0 });
  }

  function readSubchannel(id: number, subchannel: { attempts: number; traced: number }): void {
    // A subchannel is forgotten some time after it was last used; its last count stands.
    const data = ask(handlers.GetSubchannel, { subchannel_id: String(id) })?.subchannel?.data;
    if (!data) return;
    subchannel.attempts = Number(data.calls_started);
    const logged = Number(data.trace?.num_events_logged ?? subchannel.traced);
    if (logged === subchannel.traced) return;
    for (const { systemMs, state } of statesIn(entriesOf(data.trace ?? {}), logged - subchannel.traced)) {
      tell.connectivity({ subchannel: id, atMs: ownMs(systemMs), state });
    }
    subchannel.traced = logged;
  }

  const timer = setInterval(poll, POLL_INTERVAL_MS);
  return {
    attempts(): number {
      poll();
      return subchannels.values().reduce((sum, { attempts }) => sum + attempts, 0);
    },
    stop: () => clearInterval(timer),
  };
}
