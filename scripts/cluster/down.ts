// lab:down: all of a lab, and nothing else.
import { forgetLab, type Lab, labNamed, rememberedLabs } from './lab.ts';
import type { Provider } from './provider.ts';
import { notOurs } from './up.ts';

/**
 * Deletes a lab's cluster and folder.
 *
 * @returns false when there was nothing to delete.
 * @throws LabError `usage` when the cluster of that name is not the lab's; `failed` when something stays.
 */
export async function down(lab: Lab, provider: Provider, signal: AbortSignal): Promise<boolean> {
  const found = await provider.ownership(lab);
  if (found === 'foreign') throw notOurs(lab, provider);
  if (found !== 'absent') await provider.delete(lab, signal);
  const remembered = (await rememberedLabs()).includes(lab.name);
  await forgetLab(lab);
  return found !== 'absent' || remembered;
}

/** Every lab that this tool made: those with a folder here, and clusters that carry its mark. */
export async function allLabs(providers: readonly Provider[]): Promise<Lab[]> {
  const listed = await Promise.all(providers.map((provider) => provider.list()));
  const names = new Set([...(await rememberedLabs()), ...listed.flat()]);
  return [...names].sort().map(labNamed);
}
