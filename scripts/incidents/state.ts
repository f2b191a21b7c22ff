// What is injected, kept in the cluster itself: whoever comes next, also after a crash, finds it and can heal it.
import { z } from 'zod';
import { type ClusterApi, NAMESPACE, statusOf } from '../cluster/index.ts';
import { CAUSES } from '../diagnosis/causes.ts';
import { World } from './world.ts';

/** Name of the ConfigMap, in the lab's own namespace. */
const CONFIG_MAP = 'incident';

const Injected = z.object({
  incident: z.enum(CAUSES),
  variant: z.string(),
  /** ISO 8601. */
  at: z.string(),
  /** Its name is not told before it is asked for. */
  blind: z.boolean(),
  /** What heals the variant's actions, by their names. */
  prepared: z.record(z.string(), z.unknown()),
});
export type Injected = z.infer<typeof Injected>;

const State = z.object({ world: World, injected: z.array(Injected) });
export type State = z.infer<typeof State>;

/** @returns undefined where there is no world. */
export async function readState(api: ClusterApi): Promise<State | undefined> {
  try {
    const { data } = await api.core.readNamespacedConfigMap({ namespace: NAMESPACE, name: CONFIG_MAP });
    return State.parse(JSON.parse(data?.state ?? ''));
  } catch (error) {
    if (statusOf(error) === 404 || error instanceof SyntaxError || error instanceof z.ZodError)
      return undefined;
    throw error;
  }
}

/** Written before anything is changed. `question` is what a diagnosis of this lab asks, and knows. */
export async function writeState(api: ClusterApi, state: State): Promise<void> {
  const { namespace, clientNamespace, client } = state.world;
  const question = { namespace, client: { kind: 'Deployment', name: client, namespace: clientNamespace } };
  const body = {
    metadata: { name: CONFIG_MAP, namespace: NAMESPACE, labels: { 'app.kubernetes.io/part-of': NAMESPACE } },
    data: { state: JSON.stringify(state), question: JSON.stringify(question) },
  };
  try {
    await api.core.replaceNamespacedConfigMap({ namespace: NAMESPACE, name: CONFIG_MAP, body });
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
    await api.core.createNamespacedConfigMap({ namespace: NAMESPACE, body });
  }
}

export async function forgetState(api: ClusterApi): Promise<void> {
  try {
    await api.core.deleteNamespacedConfigMap({ namespace: NAMESPACE, name: CONFIG_MAP });
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
  }
}
