// A frozen server: told to freeze beforehand, healed when it answers again.
import { expect, it } from 'vitest';
import { podProxy } from '../../scripts/cluster/index.ts';
import { freezeFault } from '../../scripts/faults/index.ts';
import { json, type KubeApi, kubeApi, PODS, refuse } from '../support/kube-api.ts';

const at = (method: string, path: string) => `${method} ${PODS}/a:8080/proxy${path}`;
const freezeOf = async (kube: KubeApi) =>
  freezeFault(await podProxy(kube.api.kubeConfig, 'token'), {
    arm: 'keepalive',
    pods: ['a'],
    durationMs: 10_000,
  });

it('tells a pod for how long, and waits until it answers again', async () => {
  await using kube = await kubeApi();
  const fault = await freezeOf(kube);
  expect(fault).toMatchObject({ name: 'freeze', arm: 'keepalive', detail: 'freeze a' });
  kube.on(at('POST', '/freeze'), (_, response) => json(response, 202, {}));
  await fault.inject();
  expect(JSON.parse(kube.requests.at(-1)?.body ?? '')).toEqual({ durationMs: 10_000 });

  let asked = 0;
  kube.on(at('GET', '/time'), (request, response) => {
    asked += 1;
    if (asked < 3) refuse(503, 'it does not answer')(request, response);
    else json(response, 200, { boot: 'x', nowMs: 0 });
  });
  await fault.heal();
  expect(asked).toBe(3);
});

it('takes a pod that is gone for thawed', async () => {
  await using kube = await kubeApi();
  kube.on(at('GET', '/time'), refuse(404, 'pods "a" not found'));
  await (await freezeOf(kube)).heal();
});
