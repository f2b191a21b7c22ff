// What a container's settings say that it dials.
import type { V1ConfigMap, V1Container } from '@kubernetes/client-node';
import type { Plain } from './facts.ts';
import { parseTarget } from './situation/target.ts';

const LOOKS_LIKE_TARGET = /target|addr|endpoint|host|url|server/i;

/** Targets among a container's settings, in their order. */
export function targetsIn(
  container: Plain<V1Container>,
  configMaps: readonly Plain<V1ConfigMap>[],
): { raw: string; host: string; port?: number; scheme?: string; where: string }[] {
  return (container.env ?? []).flatMap(({ name, value, valueFrom }) => {
    const ref = valueFrom?.configMapKeyRef;
    const map = configMaps.find(({ metadata }) => metadata?.name === ref?.name);
    const raw = value ?? (ref && map?.data?.[ref.key]);
    if (!raw || !LOOKS_LIKE_TARGET.test(name) || /\s/.test(raw)) return [];
    const where = `env ${name} of the container ${container.name}`;
    return [{ ...parseTarget(raw), where }];
  });
}
