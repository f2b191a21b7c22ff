// The incidents as they are written down: complete, and each a change of a healthy world.
import type { V1Deployment, V1Service } from '@kubernetes/client-node';
import { constantFrom, double, infiniteStream, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Manifest, readManifests } from '../../scripts/cluster/manifests.ts';
import { CAUSES } from '../../scripts/diagnosis/index.ts';
import { arrange } from '../../scripts/incidents/arrange.ts';
import {
  DEFAULT_WORLD,
  findIncidents,
  PAIRS,
  randomWorld,
  showChange,
} from '../../scripts/incidents/index.ts';
import { holds } from '../support/property.ts';

const manifests = await readManifests([]);
const incidents = await findIncidents();
const ways = incidents.flatMap((incident) =>
  Object.entries(incident.variants).map(([name, variant]) => ({ incident, name, variant })),
);
const worldOf = ({ incident }: (typeof ways)[number], world = DEFAULT_WORLD) =>
  incident.world?.(world) ?? world;

describe('the list of incidents', () => {
  it('has one for each cause that a diagnosis names, in their order', () => {
    expect(incidents.map(({ name }) => name)).toEqual([...CAUSES]);
    expect(incidents.map(({ order }) => order)).toEqual(CAUSES.map((_, index) => index + 1));
  });

  it('says of each what a person sees, what is wrong, and what to do', () => {
    for (const { symptom, cause, underneath, fix, prevent, confirm } of incidents) {
      for (const text of [symptom, cause, underneath, fix, ...prevent])
        expect(text.length).toBeGreaterThan(10);
      expect(prevent.length).toBeGreaterThan(0);
      const commands = confirm(DEFAULT_WORLD).map(({ command }) => command);
      expect(commands.length).toBeGreaterThan(0);
      for (const command of commands) expect(command).not.toMatch(/undefined|\[object/);
    }
  });

  it('has twenty pairs at least that can both be seen, each once', () => {
    const keys = PAIRS.map((pair) => [...pair].sort().join('+'));
    expect(new Set(keys).size).toBeGreaterThanOrEqual(20);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe.each(ways)('$incident.name, $name', (way) => {
  const { variant } = way;

  it('changes the world, or what is outside of it', async () => {
    const { healthy, injected } = await arrange(manifests, worldOf(way), [variant]);
    const changes = JSON.stringify(healthy) !== JSON.stringify(injected);
    expect(changes || (variant.actions ?? []).length > 0).toBe(true);
  });

  it('leaves the clients alone that were connected before', async () => {
    const { healthy, injected } = await arrange(manifests, worldOf(way), [variant]);
    const earlier = (all: readonly Manifest[]) =>
      all.find(({ metadata }) => metadata.name === 'greeter-client-earlier');
    expect(earlier(injected)).toEqual(earlier(healthy));
  });

  it('shows the exact change, and no key', async () => {
    const shown = await showChange(manifests, worldOf(way), variant);
    expect(shown).toMatch(/^(--- |\$ )/m);
    expect(shown).not.toContain('PRIVATE KEY');
  });

  it('is arranged in a healthy world: Services select the pods, clients dial what is there', () => {
    return assertHealthy(way);
  });
});

/** In worlds drawn at random. */
async function assertHealthy(way: (typeof ways)[number]): Promise<void> {
  const drawn: Promise<void>[] = [];
  holds(
    property(
      infiniteStream(double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
      constantFrom('a', 'b2'),
      (numbers, unique) => {
        const world = worldOf(
          way,
          randomWorld(() => numbers.next().value, unique),
        );
        drawn.push(
          arrange(manifests, world, [way.variant]).then(({ healthy }) => {
            const [service, headless] = [world.service, world.headless].map((name) =>
              find<V1Service>(healthy, 'Service', name),
            );
            const server = find<V1Deployment>(healthy, 'Deployment', world.server);
            for (const each of [service, headless])
              expect(server.spec?.template.metadata?.labels).toMatchObject(
                each?.spec?.selector ?? { none: '' },
              );
            const hosts = healthy
              .filter(({ kind }) => kind === 'Service')
              .flatMap(({ metadata: { name, namespace } }) => [name, `${name}.${namespace}`]);
            const client = find<V1Deployment>(healthy, 'Deployment', world.client);
            const target = client.spec?.template.spec?.containers[0]?.env?.find(
              ({ name }) => name === 'GREETER_TARGET',
            );
            const [, host = '', port] = /^dns:\/\/\/([^:]+):(\d+)$/.exec(target?.value ?? '') ?? [];
            expect(hosts).toContain(host);
            if (host.startsWith(world.headless)) expect(Number(port)).toBe(world.grpcPort);
            expect(
              new Set(healthy.map(({ kind, metadata }) => `${kind} ${metadata.namespace} ${metadata.name}`))
                .size,
            ).toBe(healthy.length);
          }),
        );
      },
    ),
    { numRuns: 20 },
  );
  await Promise.all(drawn);
}

function find<T>(manifests: readonly Manifest[], kind: string, name: string): T {
  const found = manifests.find((each) => each.kind === kind && each.metadata.name === name);
  return (found ?? expect.fail(`there is no ${kind} ${name}`)) as T;
}
