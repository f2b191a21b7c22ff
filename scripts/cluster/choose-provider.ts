// Which provider a command works with: the one that the lab is on, the one that is asked for, or what this machine has.
import { LabError, messageOf } from '../common/errors.ts';
import { embeddedProvider } from './embedded/index.ts';
import { kindProvider } from './kind/index.ts';
import { type Lab, readState } from './lab.ts';
import type { Provider } from './provider.ts';

export const PROVIDERS = ['auto', 'kind', 'embedded'] as const;
export type ProviderChoice = (typeof PROVIDERS)[number];

export type Chosen = {
  provider: Provider;
  /** In a line, for people; undefined where nobody has to wonder. */
  why?: string;
};

/** @param nodeImage of kind's nodes. */
const make = (name: 'kind' | 'embedded', nodeImage?: string): Provider =>
  name === 'kind' ? kindProvider(nodeImage) : embeddedProvider();

/**
 * A lab stays on the provider that it was made with. For a new one `auto` takes kind when Docker and kind can be used,
 * else embedded.
 *
 * @throws LabError `usage` when the lab is up on another provider than the one asked for.
 */
export async function chooseProvider(lab: Lab, asked: ProviderChoice, nodeImage?: string): Promise<Chosen> {
  const state = await readState(lab);
  if (state) {
    if (asked !== 'auto' && asked !== state.provider) {
      throw new LabError('usage', `the lab "${lab.name}" is on ${state.provider}, not on ${asked}`, {
        hint: 'Run lab:down first, or give another --name.',
      });
    }
    return { provider: make(state.provider, nodeImage) };
  }
  if (asked !== 'auto') return { provider: make(asked, nodeImage) };
  const kind = kindProvider(nodeImage);
  const missing = await whyNot(kind);
  return missing === undefined
    ? { provider: kind, why: 'kind, for Docker and kind are here (--provider embedded needs neither)' }
    : {
        provider: embeddedProvider(),
        why: `embedded, pods as local processes, for kind cannot be used: ${missing}`,
      };
}

/** Providers that can be asked here: a machine without Docker has no clusters of kind's to look for. */
export async function usableProviders(): Promise<Provider[]> {
  const kind = kindProvider();
  return [...((await whyNot(kind)) === undefined ? [kind] : []), embeddedProvider()];
}

async function whyNot(provider: Provider): Promise<string | undefined> {
  try {
    await provider.available();
    return undefined;
  } catch (error) {
    if (error instanceof LabError && error.code === 'prerequisite') return messageOf(error);
    throw error;
  }
}
