// Reads resolutions out of a channel's channelz trace. grpc-js traces "Address resolution succeeded" for a failed one
// too, when its policy is content to go on without new addresses (round_robin and pick_first are). But both make or
// look up a subchannel for each address of an answer, in the same turn and before that entry: without one the
// resolution brought no addresses.

/** An entry of the trace, by the system's clock. */
export type TraceEntry = { description: string; systemMs: number };

/**
 * Longest a turn may have been held up. A reconnection makes a subchannel too: a resolution that fails so soon after
 * one is told as if it had not failed.
 */
const SAME_TURN_MS = 25;

/** The resolutions that ended in the last `fresh` entries, oldest first. */
export function resolutionsIn(
  entries: readonly TraceEntry[],
  fresh: number,
): { systemMs: number; ok: boolean; detail: string }[] {
  const firstFresh = Math.max(0, entries.length - fresh);
  return entries.flatMap(({ description, systemMs }, index) => {
    if (index < firstFresh || !description.startsWith('Address resolution ')) return [];
    if (!description.startsWith('Address resolution succeeded')) {
      return [{ systemMs, ok: false, detail: description }];
    }
    const ok = broughtAddresses(entries, index);
    return [
      { systemMs, ok, detail: ok ? description : 'Address resolution failed: it brought no addresses' },
    ];
  });
}

/** The changes of a subchannel's state in the last `fresh` entries, oldest first. */
export function statesIn(
  entries: readonly TraceEntry[],
  fresh: number,
): { systemMs: number; state: string }[] {
  return entries.slice(Math.max(0, entries.length - fresh)).flatMap(({ description, systemMs }) => {
    const state = /^Connectivity state change to (\w+)$/.exec(description)?.[1];
    return state === undefined ? [] : [{ systemMs, state }];
  });
}

function broughtAddresses(entries: readonly TraceEntry[], end: number): boolean {
  const before = entries
    .slice(0, end)
    .findLast(({ description }) => !description.startsWith('Connectivity state change'));
  if (!before?.description.startsWith('Created subchannel')) return false;
  return (entries[end]?.systemMs ?? 0) - before.systemMs <= SAME_TURN_MS;
}
