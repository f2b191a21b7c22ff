// What an incident does beside changing its world's objects. What undoes it is plain data, kept in the cluster.
import { TOKEN_HEADER } from '../../services/protocol/index.ts';
import { type ClusterApi, NAME_LABEL, podProxy, readToken } from '../cluster/index.ts';
import { messageOf } from '../common/errors.ts';
import { waitFor } from '../common/wait.ts';
import { gatewayOf, type World } from './world.ts';

export type Action = {
  name: string;
  /** The same by hand. */
  command: (world: World) => string;
  /** @returns what `heal` needs; called once, before which nothing has been changed. */
  prepare: (api: ClusterApi, world: World) => Promise<unknown>;
  inject: (api: ClusterApi, world: World) => Promise<void>;
  /** Twice does no harm. */
  heal: (api: ClusterApi, world: World, prepared: unknown) => Promise<void>;
};

const nothing = async () => {};
const STARTED_MS = 20_000;

/** Every server pod at once, without a moment to end. */
export const deleteServers: Action = {
  name: 'delete-pods',
  command: ({ namespace, server }) =>
    `kubectl -n ${namespace} delete pods -l ${NAME_LABEL}=${server} --force --grace-period=0`,
  prepare: nothing,
  inject: async (api, { namespace, server }) => {
    await api.core.deleteCollectionNamespacedPod({
      namespace,
      labelSelector: `${NAME_LABEL}=${server}`,
      gracePeriodSeconds: 0,
    });
  },
  heal: nothing,
};

/** The health service of every server says NOT_SERVING; calls are served as before. */
export const sayNotServing = behaviour('not-serving', ({ server }) => server, {
  injected: { serving: { '': false, 'greet.Greeter': false } },
  healed: { serving: { '': true, 'greet.Greeter': true } },
});

/** What is between forgets connections that are idle for so long. */
export const cutIdle = (idleCutMs: number): Action =>
  behaviour('idle-cut', gatewayOf, { injected: { idleCutMs }, healed: { idleCutMs: 0 } });

/** Every pod of an app of the world is told to behave in another way. */
function behaviour(
  name: string,
  appOf: (world: World) => string,
  { injected, healed }: { injected: unknown; healed: unknown },
): Action {
  return {
    name,
    command: (world) =>
      `in each pod of ${appOf(world)}: curl -X PATCH localhost:8080/behaviour -H "${TOKEN_HEADER}: $LAB_TOKEN" -d '${JSON.stringify(injected)}'`,
    prepare: nothing,
    // A container that has just begun does not listen yet.
    inject: (api, world) =>
      waitFor(
        `the pods of ${appOf(world)} to take it`,
        async () => {
          const refused = await tell(api, world, appOf(world), injected);
          return refused === undefined ? { done: undefined } : { waiting: refused };
        },
        { timeoutMs: STARTED_MS },
      ),
    // Nor has one that does not listen kept what it was told.
    heal: async (api, world) => {
      await tell(api, world, appOf(world), healed);
    },
  };
}

/** @returns why a pod did not take it, where one did not. */
async function tell(
  api: ClusterApi,
  { namespace }: World,
  app: string,
  body: unknown,
): Promise<string | undefined> {
  const proxy = await podProxy(api.kubeConfig, await readToken(api), namespace);
  const { items } = await api.core.listNamespacedPod({ namespace, labelSelector: `${NAME_LABEL}=${app}` });
  const pods = items.flatMap(({ metadata, status }) =>
    metadata?.name !== undefined && !metadata.deletionTimestamp && status?.phase === 'Running'
      ? [metadata.name]
      : [],
  );
  const told = await Promise.allSettled(
    pods.map((pod) => proxy.json(pod, { method: 'PATCH', path: '/behaviour', body })),
  );
  const refused = told.find((each) => each.status === 'rejected');
  return refused && messageOf(refused.reason);
}
