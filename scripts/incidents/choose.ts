// Which incident, and in which way.
import type { Capability } from '../cluster/index.ts';
import { LabError } from '../common/errors.ts';
import { variantOf } from './find.ts';
import type { Incident, Variant } from './incident.ts';
import type { Chosen } from './run.ts';

/** @throws LabError `usage` naming the variants that there are. */
export function choose(incidents: readonly Incident[], name: string, variant: string | undefined): Chosen {
  const incident = incidents.find((each) => each.name === name);
  if (!incident) throw new LabError('usage', `there is no incident "${name}"`);
  const found = variantOf(incident, variant);
  if (found) return { incident, ...found };
  throw new LabError('usage', `${name} does not come as "${variant}"`, {
    hint: Object.entries(incident.variants)
      .map(([each, { about }]) => `${each}: ${about}`)
      .join('\n'),
  });
}

/** Any that these capabilities suffice for. */
export function chooseAtRandom(
  incidents: readonly Incident[],
  capabilities: ReadonlySet<Capability>,
): Chosen {
  const possible = incidents.flatMap((incident) =>
    Object.entries(incident.variants).flatMap(([name, variant]) =>
      lacking(variant, capabilities).length > 0 ? [] : [{ incident, name, variant }],
    ),
  );
  return possible[Math.floor(Math.random() * possible.length)] as Chosen;
}

/** What it needs, and is not there. */
export const lacking = ({ needs = [] }: Variant, capabilities: ReadonlySet<Capability>): Capability[] =>
  needs.filter((need) => !capabilities.has(need));
