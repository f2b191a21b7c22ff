// The exact change of an incident, to be made by hand elsewhere.
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';
import { stringify } from 'yaml';
import type { Manifest } from '../cluster/index.ts';
import { arrange } from './arrange.ts';
import type { Variant } from './incident.ts';
import type { World } from './world.ts';

/** A diff of each object that changes, and the commands that are run beside. */
export async function showChange(
  manifests: readonly Manifest[],
  world: World,
  variant: Variant,
): Promise<string> {
  const { healthy, injected } = await arrange(manifests, world, [variant]);
  const diffs = injected.flatMap((after) => {
    const before = healthy.find((each) => keyOf(each) === keyOf(after));
    const [old, now] = [before ? yamlOf(before) : '', yamlOf(after)];
    return old === now
      ? []
      : [
          createTwoFilesPatch(before ? keyOf(after) : '/dev/null', keyOf(after), old, now, '', '', {
            headerOptions: FILE_HEADERS_ONLY,
          }),
        ];
  });
  const commands = (variant.actions ?? []).map(({ command }) => `$ ${command(world)}\n`);
  return [...diffs, ...commands].join('\n');
}

const keyOf = ({ kind = '', metadata }: Manifest) =>
  `${kind}/${metadata.namespace ? `${metadata.namespace}/` : ''}${metadata.name}`;

function yamlOf(manifest: Manifest): string {
  const shown = manifest.kind === 'Secret' ? { ...manifest, stringData: '[not shown]' } : manifest;
  return stringify(shown, { aliasDuplicateObjects: false });
}
