// What the incident command says on stdout: for people, or as one JSON document.
import { readManifests } from '../cluster/index.ts';
import { formatDuration } from '../common/duration.ts';
import { paintOut, wrap } from '../common/terminal.ts';
import type { Incident } from './incident.ts';
import type { Chosen, Recovery, Symptoms } from './run.ts';
import { showChange } from './show.ts';
import { describeSymptoms } from './symptoms/describe.ts';
import { DEFAULT_WORLD } from './world.ts';

export function tellList(incidents: readonly Incident[], json: boolean): void {
  if (json) {
    print(
      incidents.map(({ name, symptom, cause, variants }) => ({
        name,
        symptom,
        cause,
        variants: Object.entries(variants).map(([variant, { about, needs = [] }]) => ({
          name: variant,
          about,
          needs,
        })),
      })),
    );
    return;
  }
  const text = incidents.map(({ name, symptom }) => `${paintOut('bold', name)}\n${wrap(symptom, '    ')}`);
  process.stdout.write(`${text.join('\n')}\n\nnpm run incident NAME\n`);
}

/** The exact change; needs no lab. */
export async function tellChange({ incident, name, variant }: Chosen): Promise<void> {
  const { world = (same) => same, variants } = incident;
  const others = Object.keys(variants).filter((each) => each !== name);
  const lines = [
    `# ${incident.name}, ${name}: ${variant.about}`,
    ...(others.length > 0 ? [`# It also comes as ${others.join(', ')} (--variant).`] : []),
    await showChange(await readManifests([]), world(DEFAULT_WORLD), variant),
  ];
  process.stdout.write(lines.join('\n'));
}

export function tellSymptoms(
  chosen: Chosen,
  symptoms: Symptoms,
  { blind, json }: { blind: boolean; json: boolean },
): void {
  const { connected, fresh, afterMs } = symptoms;
  if (!json) {
    process.stdout.write(`${describeSymptoms(chosen, symptoms, blind)}\n`);
    return;
  }
  const { incident, name, variant } = chosen;
  const which = blind ? {} : { incident: incident.name, variant: name, about: variant.about };
  print({
    ...which,
    asExpected: connected.asExpected && fresh.asExpected,
    afterMs: Math.round(afterMs),
    connected,
    fresh,
  });
}

/** What is injected, by name. */
export function tellInjected(injected: readonly (Chosen & { at: string })[], json: boolean): void {
  if (json) {
    print(injected.map(({ incident, name, at }) => ({ incident: incident.name, variant: name, at })));
    return;
  }
  for (const { incident, variant, at } of injected) {
    process.stdout.write(
      `${paintOut('bold', incident.name)} since ${at}: ${variant.about}\n${wrap(incident.cause, '  ')}\n${wrap(incident.fix, '  ')}\n`,
    );
  }
}

export const tellRecoveryJson = (healed: readonly string[], { freshMs, connectedMs }: Recovery): void =>
  print({ healed, freshMs: freshMs ?? null, connectedMs: connectedMs ?? null });

/** @param left what is injected still. */
export function describeRecovery({ freshMs, connectedMs }: Recovery, left: readonly string[]): string {
  if (freshMs === undefined) return `Still injected: ${left.join(', ')}`;
  const connected = connectedMs === undefined ? 'not yet' : `after ${formatDuration(connectedMs)}`;
  return `A fresh channel is healthy ${formatDuration(freshMs)} after the healing began, the connected client ${connected}.`;
}

function print(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}
