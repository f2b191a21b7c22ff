// Whatever happens in whatever order: slices say what pods are, rollouts keep their bounds, and all ends as asked for.
import { array, assert, asyncProperty, constantFrom, integer, nat, oneof, record } from 'fast-check';
import { expect, test } from 'vitest';
import { deletePod } from '../../../scripts/cluster/embedded/delete-pod.ts';
import type { EndpointSlice, Pod } from '../../../scripts/cluster/embedded/objects.ts';
import type { Change } from '../../../scripts/cluster/embedded/store.ts';
import {
  changeDeployment,
  createDeployment,
  createLab,
  createService,
  type Lab,
  NAMESPACE,
  podsOf,
  runToEnd,
  setPhase,
  setReady,
  slicesOf,
} from './controllers-lab.ts';

const MAX_PER_SLICE = 3;

const operations = oneof(
  record({ do: constantFrom('scale' as const), to: nat(9) }),
  record({ do: constantFrom('roll' as const), to: integer({ min: 1, max: 3 }) }),
  record({
    do: constantFrom('ready' as const, 'unready' as const, 'fail' as const, 'delete' as const),
    to: nat(50),
  }),
  record({ do: constantFrom('ready' as const, 'gone' as const), to: nat(50) }),
  record({ do: constantFrom('cordon' as const, 'uncordon' as const), to: integer({ min: 1, max: 3 }) }),
);
type Operation = typeof operations extends { generate(...args: never[]): { value: infer T } } ? T : never;

const strategies = record({ maxSurge: nat(3), maxUnavailable: nat(3) });

const isReady = ({ status }: Pod) =>
  status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
const isEnded = ({ status }: Pod) => status?.phase === 'Failed';
const isActive = (pod: Pod) => !isEnded(pod) && !pod.metadata.deletionTimestamp;

function perform(lab: Lab, operation: Operation): void {
  const { store } = lab;
  const { do: what, to } = operation;
  if (what === 'scale' || what === 'roll') {
    changeDeployment(store, 'web', what === 'scale' ? { replicas: to } : { image: `greeter:${to}` });
    return;
  }
  if (what === 'cordon' || what === 'uncordon') {
    store.update('nodes', '', `worker-${to}`, (node) => ({
      ...node,
      spec: { unschedulable: what === 'cordon' },
    }));
    return;
  }
  const fits: Record<typeof what, (pod: Pod) => boolean> = {
    ready: (pod) => Boolean(pod.spec?.nodeName) && !isReady(pod) && isActive(pod),
    unready: isReady,
    fail: (pod) => Boolean(pod.spec?.nodeName) && isActive(pod),
    delete: isActive,
    gone: (pod) => Boolean(pod.metadata.deletionTimestamp),
  };
  const pods = podsOf(lab).filter(fits[what]);
  const name = pods[to % (pods.length || 1)]?.metadata.name;
  if (!name) return;
  if (what === 'ready' || what === 'unready') setReady(lab, name, what === 'ready');
  if (what === 'fail') setPhase(lab, name, 'Failed');
  if (what === 'delete') deletePod(store, NAMESPACE, name);
  if (what === 'gone') store.remove('pods', NAMESPACE, name);
}

const addressesOf = (slices: readonly EndpointSlice[]) =>
  slices.flatMap(({ endpoints }) => (endpoints ?? []).flatMap(({ addresses }) => addresses));

/** What the slices should say, written down in another way than the controller does. */
function expectSlicesToBeRight(lab: Lab): void {
  const slices = slicesOf(lab, 'web');
  const said = slices.flatMap(({ endpoints }) =>
    (endpoints ?? []).map(({ addresses, conditions, nodeName, targetRef }) =>
      [
        addresses[0],
        conditions?.ready,
        conditions?.serving,
        conditions?.terminating,
        nodeName,
        targetRef?.name,
      ].join(),
    ),
  );
  const wanted = podsOf(lab)
    .filter((pod) => pod.status?.podIP && !isEnded(pod))
    .map((pod) => {
      const ending = Boolean(pod.metadata.deletionTimestamp);
      return [
        pod.status?.podIP,
        isReady(pod) && !ending,
        isReady(pod),
        ending,
        pod.spec?.nodeName,
        pod.metadata.name,
      ].join();
    });
  expect(said.sort()).toEqual(wanted.sort());
  expect(slices.length).toBeGreaterThan(0);
}

test('slices, bounds and outcome hold over any course of events', { timeout: 60_000 }, async () => {
  await assert(
    asyncProperty(
      strategies,
      nat(8),
      array(operations, { maxLength: 40, size: 'max' }),
      async (rollingUpdate, replicas, course) => {
        const lab = createLab({ maxEndpointsPerSlice: MAX_PER_SLICE });
        const desiredNow = () => lab.store.get('deployments', NAMESPACE, 'web')?.spec?.replicas ?? 0;
        const surge = rollingUpdate.maxSurge;
        const unavailable = () =>
          Math.min(
            desiredNow(),
            surge === 0 && rollingUpdate.maxUnavailable === 0 ? 1 : rollingUpdate.maxUnavailable,
          );
        const wrong: string[] = [];
        let byController = true;
        const unlisten = lab.store.listen(({ resource, object, before }: Change) => {
          const slices = slicesOf(lab, 'web');
          if (slices.some(({ endpoints }) => (endpoints?.length ?? 0) > MAX_PER_SLICE))
            wrong.push('slice too large');
          const addresses = addressesOf(slices);
          if (new Set(addresses).size < addresses.length) wrong.push(`twice: ${addresses}`);
          if (resource !== 'pods' || !before || !byController) return;
          const ends = object.metadata.deletionTimestamp && !before.metadata.deletionTimestamp;
          const left = podsOf(lab).filter((pod) => isActive(pod) && isReady(pod)).length;
          if (ends && isReady(object as Pod) && left < desiredNow() - unavailable())
            wrong.push(`took a pod away, which left ${left} of ${desiredNow()} available`);
        });
        try {
          createService(lab.store, 'web');
          createDeployment(lab.store, 'web', {
            replicas,
            strategy: { type: 'RollingUpdate', rollingUpdate },
          });
          await lab.settle();
          for (const operation of course) {
            byController = false;
            perform(lab, operation);
            // A scale-in takes from each replica set in proportion, available or not, as in Kubernetes.
            byController = operation.do !== 'scale';
            await lab.settle();
            expectSlicesToBeRight(lab);
            const active = podsOf(lab).filter(isActive).length;
            if (active > desiredNow() + surge) wrong.push(`${active} pods for ${desiredNow()}`);
          }
          expect(wrong).toEqual([]);

          for (const worker of [1, 2, 3]) perform(lab, { do: 'uncordon', to: worker });
          for (let left = 100; left > 0; left -= 1) {
            await runToEnd(lab);
            const name = podsOf(lab).find((pod) => isActive(pod) && !isReady(pod))?.metadata.name;
            if (!name) break;
            setReady(lab, name);
          }
          const image = lab.store.get('deployments', NAMESPACE, 'web')?.spec?.template.spec?.containers[0]
            ?.image;
          const images = podsOf(lab)
            .filter(isActive)
            .map(({ spec }) => spec?.containers[0]?.image);
          expect(images).toEqual(Array(desiredNow()).fill(image));
          expect(lab.store.get('deployments', NAMESPACE, 'web')?.status?.conditions).toContainEqual(
            expect.objectContaining({ type: 'Progressing', reason: 'NewReplicaSetAvailable' }),
          );
          expectSlicesToBeRight(lab);
          expect(wrong).toEqual([]);
          expect(lab.logged).toEqual([]);
        } finally {
          unlisten();
          lab.stop();
        }
      },
    ),
    { numRuns: 40 },
  );
});
