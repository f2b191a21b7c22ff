// Faults that are done to pods, against an API server that keeps objects in memory.
import { expect, it } from 'vitest';
import { podProxy } from '../../scripts/cluster/index.ts';
import { behaviourFault, deletePodsFault } from '../../scripts/faults/index.ts';
import { json, kubeApi, PODS, pod, refuse } from '../support/kube-api.ts';

const ARM = 'treatment';

it('deletes pods with the grace that is asked for, and says which it takes', async () => {
  await using kube = await kubeApi();
  for (const name of ['a', 'b', 'c']) kube.put(PODS, pod(name));
  const fault = deletePodsFault(kube.api, { arm: ARM, pods: ['a', 'b'], graceSeconds: 1 });
  expect(fault).toMatchObject({
    name: 'delete-pods',
    arm: ARM,
    detail: 'delete a, b',
    takes: ['a', 'b'],
  });
  await fault.inject();
  expect(kube.objects(PODS).map(({ metadata }) => metadata?.name)).toEqual(['c']);
  const deletions = kube.requests.filter(({ method }) => method === 'DELETE');
  expect(deletions.map(({ query }) => query.get('gracePeriodSeconds'))).toEqual(['1', '1']);
  await fault.heal();
  expect(kube.objects(PODS)).toHaveLength(1);
});

it('takes a pod that is gone for deleted, and says why one cannot be', async () => {
  await using kube = await kubeApi();
  const fault = deletePodsFault(kube.api, { arm: ARM, pods: ['a'], graceSeconds: 0 });
  kube.on(`DELETE ${PODS}/a`, refuse(404, 'pods "a" not found'));
  await fault.inject();
  kube.on(`DELETE ${PODS}/a`, refuse(403, 'pods "a" is forbidden'));
  await expect(fault.inject()).rejects.toMatchObject({
    code: 'lost',
    message: 'a cannot be deleted: pods "a" is forbidden',
  });
});

const behaviour = async (kube: Awaited<ReturnType<typeof kubeApi>>) =>
  behaviourFault(await podProxy(kube.api.kubeConfig, 'token'), {
    name: 'failing',
    arm: ARM,
    detail: 'servers fail half of attempts',
    pods: ['a', 'b'],
    during: { failureShare: 0.5 },
    after: { failureShare: 0 },
  });
const at = (name: string) => `PATCH ${PODS}/${name}:8080/proxy/behaviour`;

it('tells every pod how to behave, and to behave again; twice does no harm', async () => {
  await using kube = await kubeApi();
  for (const name of ['a', 'b']) kube.on(at(name), (_, response) => json(response, 200, {}));
  const fault = await behaviour(kube);
  await fault.inject();
  await fault.heal();
  await fault.heal();
  const told = kube.requests.map(({ path, body }) => [path.slice(PODS.length + 1, PODS.length + 2), body]);
  expect(told.sort(([a = ''], [b = '']) => a.localeCompare(b))).toEqual(
    ['a', 'b'].flatMap((name) =>
      ['{"failureShare":0.5}', '{"failureShare":0}', '{"failureShare":0}'].map((body) => [name, body]),
    ),
  );
});

it('heals the others when one pod is gone, and says when one refuses', async () => {
  await using kube = await kubeApi();
  kube.on(at('a'), refuse(404, 'pods "a" not found'));
  kube.on(at('b'), (_, response) => json(response, 200, {}));
  const fault = await behaviour(kube);
  await expect(fault.inject()).rejects.toMatchObject({ code: 'lost' });
  await fault.heal();
  const toOthers = kube.requests.filter(({ path }) => path.includes('/pods/b:'));
  expect(toOthers.map(({ body }) => body)).toContain('{"failureShare":0}');
  kube.on(at('b'), refuse(500, 'broken'));
  await expect(fault.heal()).rejects.toMatchObject({ message: expect.stringContaining('broken') });
});
