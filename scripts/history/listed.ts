// Which pods a Service's EndpointSlices had as ready, and when.
import { eventsOf, type History } from './events.ts';
import type { Span } from './pods.ts';
import { serverArmOf } from './server-arm.ts';

/** From when to when a pod was ready in any EndpointSlice of an arm's Service. */
export function readyInSlices(history: History, arm: string, service: string, pod: string): Span[] {
  const ofArm = serverArmOf(history, arm);
  const lists = new Set<string>();
  const spans: Span[] = [];
  for (const seen of eventsOf(history, 'endpoints')) {
    if (seen.arm !== ofArm || seen.service !== service) continue;
    if (seen.endpoints.some((each) => each.pod === pod && each.ready)) lists.add(seen.slice);
    else lists.delete(seen.slice);
    const current = spans.at(-1);
    const isOpen = current !== undefined && current.toMs === undefined;
    if (lists.size > 0 && !isOpen) spans.push({ fromMs: seen.atMs, toMs: undefined });
    if (lists.size === 0 && isOpen) current.toMs = seen.atMs;
  }
  return spans;
}

/**
 * When the last of these pods, ready at a moment in a Service's EndpointSlices, was not any more; undefined while some
 * still are.
 */
export function unreadyInSlicesMs(
  history: History,
  { arm, service, pods, fromMs }: { arm: string; service: string; pods: readonly string[]; fromMs: number },
): number | undefined {
  const ends = pods.map((pod) => {
    const current = readyInSlices(history, arm, service, pod).find(
      (span) => span.fromMs <= fromMs && (span.toMs ?? Number.POSITIVE_INFINITY) > fromMs,
    );
    return current === undefined ? fromMs : current.toMs;
  });
  const known = ends.filter((endMs) => endMs !== undefined);
  return known.length < pods.length || pods.length === 0 ? undefined : Math.max(...known);
}
