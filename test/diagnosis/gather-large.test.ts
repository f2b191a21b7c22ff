// A namespace of thousands of pods: in bounded time and memory, with those that matter.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { gatherFacts, readingAccess } from '../../scripts/diagnosis/gather/index.ts';
import { json, type KubeApi, kubeApi } from '../support/kube-api.ts';
import { at, SHOP, shop, shopPod } from './shop.ts';

let kube: KubeApi;
beforeEach(async () => {
  kube = await kubeApi();
  shop(kube);
});
afterEach(() => kube[Symbol.asyncDispose]());

/** Of a pod as a cluster has them, with the fields that are thrown away. */
const BALLAST = 'x'.repeat(8000);

/** Pods in pages of 500; one in a hundred is selected, and the client's come last. */
function servePods(count: number): void {
  const podAt = (index: number) => {
    const name = index < count - 3 ? `pod-${index}` : `web-abc-${index}`;
    const isClient = name.startsWith('web');
    const labels = isClient
      ? { app: 'web' }
      : index % 100 === 0
        ? { app: 'greeter' }
        : { app: `other-${index}` };
    const pod = shopPod(name, { labels, ...(isClient ? { owner: 'web-abc' } : {}) });
    return { ...pod, metadata: { ...pod.metadata, managedFields: [{ fieldsV1: BALLAST }] } };
  };
  kube.on(`GET ${at('pods', 'shop')}?`, ({ query }, response) => {
    const from = Number(query.get('continue') ?? 0);
    const to = Math.min(count, from + Number(query.get('limit')));
    const items = Array.from({ length: to - from }, (_, index) => podAt(from + index));
    json(response, 200, { metadata: to < count ? { continue: `${to}` } : {}, items });
  });
}

it('2 000 pods', async () => {
  servePods(2000);
  const signal = new AbortController().signal;
  const access = await readingAccess(kube.api.kubeConfig, { signal });
  const before = performance.now();
  const facts = await gatherFacts(access, SHOP);
  expect(performance.now() - before).toBeLessThan(30_000);
  const names = facts.objects.pods.map(({ metadata }) => metadata?.name ?? '');
  expect(names.filter((name) => name.startsWith('web-abc'))).toHaveLength(3);
  const selected = facts.objects.pods.filter(({ metadata }) => metadata?.labels?.app === 'greeter');
  expect(selected).toHaveLength(20);
  // And those of DNS.
  expect(names).toHaveLength(500 + 1);
  expect(facts.unseen).toContainEqual({
    what: '1500 further Pods in shop',
    why: 'no more than 500 are looked at',
  });
  expect(JSON.stringify(facts).length).toBeLessThan(2_000_000);
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

it('8 000 pods take no more memory than 2 000', { timeout: 300_000 }, async () => {
  const signal = new AbortController().signal;
  const heapOf = async (count: number) => {
    servePods(count);
    const access = await readingAccess(kube.api.kubeConfig, { signal, totalMs: 250_000 });
    let most = 0;
    // The heap after a collection is what is held; pages that were let go of do not count.
    const watch = setInterval(() => {
      collectGarbage();
      most = Math.max(most, process.memoryUsage().heapUsed);
    }, 100);
    const { objects, unseen } = await gatherFacts(access, SHOP).finally(() => clearInterval(watch));
    expect(objects.pods.length).toBeLessThanOrEqual(501);
    expect(unseen.map(({ what }) => what)).toContain(`${count - 500} further Pods in shop`);
    return most;
  };
  const few = await heapOf(2000);
  expect((await heapOf(8000)) - few).toBeLessThan(60 * 2 ** 20);
});
