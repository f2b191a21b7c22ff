// When two pod templates are the same, and the hash by which their ReplicaSets and pods are known.
import { createHash } from 'node:crypto';
import { NAME_ALPHABET } from '../../names.ts';
import type { Deployment, ReplicaSet } from '../../objects.ts';

export const HASH_LABEL = 'pod-template-hash';
export type Template = NonNullable<Deployment['spec']>['template'];

/** @param collisions how often the name that it made was taken. */
export function hashOf(template: Template, collisions: number): string {
  const digest = createHash('sha256').update(canonical(template)).update(String(collisions)).digest();
  return [...digest.subarray(0, 10)].map((byte) => NAME_ALPHABET[byte % NAME_ALPHABET.length]).join('');
}

export const isOfTemplate = (set: ReplicaSet, template: Template): boolean =>
  canonical(set.spec?.template) === canonical(template);

export const withHash = (template: Template, hash: string): Template => ({
  ...template,
  metadata: { ...template.metadata, labels: { ...template.metadata?.labels, [HASH_LABEL]: hash } },
});

/** The order of keys, keys without a value, and the hash itself make no other template. */
const canonical = (template: Template | undefined): string =>
  JSON.stringify(template, (key, value: unknown) => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return value ?? undefined;
    const entries = Object.entries(value).filter(([name, of]) => of !== null && name !== HASH_LABEL);
    if (entries.length === 0 && (key === 'annotations' || key === 'labels' || key === 'metadata'))
      return undefined;
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }) ?? '';
