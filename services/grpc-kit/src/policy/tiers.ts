// Which endpoints come first: pure functions of where they are.
import type { Localities, Locality } from '../resolver/localities.ts';

/** Own node, own zone, rest. */
export const TIERS = 3;

/** 0 for the own node, 1 for the own zone, 2 for the rest and for what is not known. */
export function tierOf(endpoint: Locality | undefined, own: Locality): number {
  if (own.node !== undefined && endpoint?.node === own.node) return 0;
  if (own.zone !== undefined && endpoint?.zone === own.zone) return 1;
  return TIERS - 1;
}

/**
 * The zone of a node, by the endpoints on it: a pod is told its node by the downward API, but not its zone.
 * Source: https://kubernetes.io/docs/concepts/workloads/pods/downward-api/
 */
export function zoneOfNode(localities: Localities, node: string): string | undefined {
  return localities.values().find((locality) => locality.node === node && locality.zone !== undefined)?.zone;
}
