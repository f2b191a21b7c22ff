// Addresses over time: those that a Service's EndpointSlices had, and those that a name's answers had.
import { eventsOf, type History } from './events.ts';

/** Sorted addresses, from one moment until they were others; the last of a history has no end. */
export type AddressSpan = { fromMs: number; untilMs: number; addresses: string[] };

/** What the resolver says of a name that has no address, or that there is not. */
const NONE = new Set(['ENOTFOUND', 'ENODATA']);

/** The ready addresses of a Service, over all of its slices. */
export function readyAddresses(history: History, service: string): AddressSpan[] {
  const bySlice = new Map<string, string[]>();
  const states = eventsOf(history, 'endpoints')
    .filter((seen) => seen.service === service)
    .map(({ atMs, slice, endpoints }) => {
      bySlice.set(
        slice,
        endpoints.filter(({ ready }) => ready).map(({ ip }) => ip),
      );
      return { fromMs: atMs, addresses: [...new Set([...bySlice.values()].flat())].sort() };
    });
  return spansOf(states);
}

/** The answers to a watched name; `failed` says why where the resolver could not tell. */
export function answeredAddresses(
  history: History,
  name: string,
): (AddressSpan & { failed: string | undefined })[] {
  const states = eventsOf(history, 'dns')
    .filter((answer) => answer.name === name)
    .map(({ atMs, records, error }) => ({
      fromMs: atMs,
      addresses: records,
      failed: error === undefined || NONE.has(error) ? undefined : error,
    }));
  return spansOf(states);
}

/** Each until the next that is another one. */
function spansOf<T extends { fromMs: number; addresses: string[]; failed?: string | undefined }>(
  states: readonly T[],
): (T & { untilMs: number })[] {
  const changes = states.filter((state, index) => {
    const before = states[index - 1];
    return before === undefined || !sameAddresses(before, state) || before.failed !== state.failed;
  });
  return changes.map((state, index) => ({
    ...state,
    untilMs: changes[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY,
  }));
}

export const sameAddresses = (
  a: { addresses: readonly string[] },
  b: { addresses: readonly string[] },
): boolean => a.addresses.join() === b.addresses.join();

/** How long the answer took to be what the slices had; undefined when it never was before they changed again. */
export function answeredAfterMs(
  { fromMs, untilMs, addresses }: AddressSpan,
  answers: readonly (AddressSpan & { failed: string | undefined })[],
): number | undefined {
  const asSlices = answers.find(
    (answer) =>
      answer.failed === undefined &&
      answer.untilMs > fromMs &&
      answer.fromMs < untilMs &&
      sameAddresses(answer, { addresses }),
  );
  // A client may hear of a change before the lab does.
  return asSlices && Math.max(0, asSlices.fromMs - fromMs);
}
