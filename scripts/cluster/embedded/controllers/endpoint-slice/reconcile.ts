// Spreads endpoints over slices with as few changes as can be: what is in a slice stays there, slices that change
// anyway are filled up first, and only then another one, or a new one.
import { isDeepStrictEqual } from 'node:util';
import type { EndpointSlice } from '../../objects.ts';
import { type Endpoint, endpointsOf, type Port } from './endpoints.ts';

/** A slice that is to be; it replaces `before`, or is new. */
export type Draft = { before?: EndpointSlice; ports: Port[]; endpoints: Endpoint[] };
export type Plan = { drafts: Draft[]; unchanged: EndpointSlice[]; remove: EndpointSlice[] };
export type Desired = { ports: Port[]; endpoint: Endpoint };

/** @param existing the Service's own slices. */
export function planSlices(
  desired: readonly Desired[],
  existing: readonly EndpointSlice[],
  max: number,
): Plan {
  const plan: Plan = { drafts: [], unchanged: [], remove: [] };
  const wanted = Map.groupBy(desired, ({ ports }) => keyOfPorts(ports));
  const present = Map.groupBy(existing, ({ ports }) => keyOfPorts(ports ?? []));
  for (const [key, group] of wanted) {
    const ports = group[0]?.ports ?? [];
    const part = planForPorts(
      ports,
      group.map(({ endpoint }) => endpoint),
      present.get(key) ?? [],
      max,
    );
    plan.drafts.push(...part.drafts);
    plan.unchanged.push(...part.unchanged);
    plan.remove.push(...part.remove);
  }
  for (const [key, slices] of present) if (!wanted.has(key)) plan.remove.push(...slices);
  return reuse(withPlaceholder(plan));
}

function planForPorts(ports: Port[], desired: Endpoint[], existing: EndpointSlice[], max: number): Plan {
  const missing = new Map(desired.map((endpoint) => [identityOf(endpoint), endpoint]));
  const plan: Plan = { drafts: [], unchanged: [], remove: [] };
  for (const before of existing) {
    const kept = endpointsOf(before).flatMap((endpoint) => {
      const identity = identityOf(endpoint);
      const found = missing.get(identity);
      missing.delete(identity);
      return found ? [found] : [];
    });
    if (isDeepStrictEqual(kept, endpointsOf(before))) plan.unchanged.push(before);
    else if (kept.length === 0) plan.remove.push(before);
    else plan.drafts.push({ before, ports, endpoints: kept });
  }

  const left = [...missing.values()];
  for (const draft of plan.drafts.toSorted((a, b) => b.endpoints.length - a.endpoints.length))
    draft.endpoints.push(...left.splice(0, max - draft.endpoints.length));
  while (left.length > 0) {
    const before = left.length < max ? roomiest(plan.unchanged, left.length, max) : undefined;
    if (before) plan.unchanged = plan.unchanged.filter((slice) => slice !== before);
    const endpoints = before ? [...endpointsOf(before)] : [];
    endpoints.push(...left.splice(0, max - endpoints.length));
    plan.drafts.push({ ...(before ? { before } : {}), ports, endpoints });
  }
  return plan;
}

/** The fullest one that has room for all of them. */
const roomiest = (slices: readonly EndpointSlice[], count: number, max: number): EndpointSlice | undefined =>
  slices
    .filter((slice) => endpointsOf(slice).length + count <= max)
    .toSorted((a, b) => endpointsOf(b).length - endpointsOf(a).length)[0];

/** A Service without endpoints has one slice that says so. */
function withPlaceholder(plan: Plan): Plan {
  if (plan.drafts.length > 0 || plan.unchanged.length > 0) return plan;
  const empty = plan.remove.find((slice) => endpointsOf(slice).length === 0 && !slice.ports?.length);
  if (!empty) return { ...plan, drafts: [{ ports: [], endpoints: [] }] };
  return { ...plan, unchanged: [empty], remove: plan.remove.filter((slice) => slice !== empty) };
}

/** A slice that would go becomes the one that would be new. */
function reuse({ drafts, unchanged, remove }: Plan): Plan {
  const spare = [...remove];
  const reused = drafts.map((draft) => {
    const before = draft.before ?? spare.shift();
    return before ? { ...draft, before } : draft;
  });
  return { drafts: reused, unchanged, remove: spare };
}

const keyOfPorts = (ports: readonly Port[]): string =>
  JSON.stringify(
    ports
      .map(({ name, port, protocol, appProtocol }) => JSON.stringify([name, port, protocol, appProtocol]))
      .sort(),
  );

const identityOf = ({ addresses, targetRef }: Endpoint): string =>
  JSON.stringify([addresses, targetRef?.uid]);
