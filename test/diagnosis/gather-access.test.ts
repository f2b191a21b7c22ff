// An API server that is slow, flaps, or changes while it is read.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LabError } from '../../scripts/common/errors.ts';
import { type AccessOptions, gatherFacts, readingAccess } from '../../scripts/diagnosis/gather/index.ts';
import { look } from '../../scripts/diagnosis/gather/look.ts';
import { type Answer, json, type KubeApi, kubeApi, refuse } from '../support/kube-api.ts';
import { at, SHOP, shop } from './shop.ts';

let kube: KubeApi;
const never = new AbortController().signal;
const PODS = at('pods', 'shop');

beforeEach(async () => {
  kube = await kubeApi();
});
afterEach(() => kube[Symbol.asyncDispose]());

const looking = async (options: Partial<AccessOptions> = {}) =>
  look(await readingAccess(kube.api.kubeConfig, { signal: never, ...options }));
const podNames = (pods: readonly { metadata?: { name?: string } | undefined }[]) =>
  pods.map(({ metadata }) => metadata?.name);
const page =
  (next: string | undefined, ...pods: string[]): Answer =>
  (_, response) =>
    json(response, 200, {
      metadata: { continue: next },
      items: pods.map((name) => ({ metadata: { name } })),
    });

describe('a long list', () => {
  it('is read page by page', async () => {
    kube.on(`GET ${PODS}?limit=500`, page('two', 'a', 'b'));
    kube.on(`GET ${PODS}?limit=500&continue=two`, page('three', 'c'));
    kube.on(`GET ${PODS}?limit=500&continue=three`, page(undefined, 'd'));
    const { list, unseen } = await looking();
    expect(podNames(await list('pods', { namespace: 'shop' }))).toEqual(['a', 'b', 'c', 'd']);
    expect(unseen).toEqual([]);
    expect(kube.requests).toHaveLength(3);
  });

  it('that has expired in the middle is read again from the beginning', async () => {
    kube.on(`GET ${PODS}?limit=500`, page('two', 'a', 'b'));
    kube.on(`GET ${PODS}?limit=500&continue=two`, (request, response) => {
      kube.on(`GET ${PODS}?limit=500`, page(undefined, 'b', 'c'));
      refuse(410, 'The provided continue parameter is too old')(request, response);
    });
    const { list, unseen } = await looking();
    expect(podNames(await list('pods', { namespace: 'shop' }))).toEqual(['b', 'c']);
    expect(unseen).toEqual([]);
  });

  it('that expires again and again is read twice, and what came is kept', async () => {
    kube.on(`GET ${PODS}?limit=500`, page('two', 'a', 'b'));
    kube.on(`GET ${PODS}?limit=500&continue=two`, refuse(410, 'too old'));
    const { list, unseen } = await looking();
    expect(podNames(await list('pods', { namespace: 'shop' }))).toEqual(['a', 'b']);
    expect(unseen).toEqual([
      { what: 'the rest of Pods in shop', why: 'it changes faster than it can be read (410)' },
    ]);
    expect(kube.requests).toHaveLength(4);
  });

  it('that has no items, as null, is empty', async () => {
    kube.on(`GET ${PODS}`, (_, response) => json(response, 200, { items: null }));
    const { list, unseen } = await looking();
    expect(await list('pods', { namespace: 'shop' })).toEqual([]);
    expect(unseen).toEqual([]);
  });
});

describe('an API server that flaps', () => {
  it.each([
    ['breaks off', (response: Parameters<Answer>[1]) => response.destroy()],
    ['is not available', (response: Parameters<Answer>[1]) => json(response, 503, { message: 'not ready' })],
    ['has too much to do', (response: Parameters<Answer>[1]) => json(response, 429, { message: 'later' })],
  ])('is asked again when it %s', async (_, fail) => {
    let asked = 0;
    kube.on(`GET ${PODS}`, (request, response) => {
      asked += 1;
      if (asked < 3) fail(response);
      else page(undefined, 'a')(request, response);
    });
    const { list, unseen } = await looking();
    expect(podNames(await list('pods', { namespace: 'shop' }))).toEqual(['a']);
    expect(unseen).toEqual([]);
  });

  it('is asked three times, and what it says is told', async () => {
    kube.on(`GET ${PODS}`, refuse(503, 'not ready'));
    const { list, unseen } = await looking();
    expect(await list('pods', { namespace: 'shop' })).toEqual([]);
    expect(unseen).toEqual([{ what: 'Pods in shop', why: 'the API server answered 503: not ready' }]);
    expect(kube.requests).toHaveLength(3);
  });

  it('is not asked again for what it refuses', async () => {
    kube.on(`GET ${PODS}`, refuse(403, 'no'));
    await (await looking()).list('pods', { namespace: 'shop' });
    expect(kube.requests).toHaveLength(1);
  });
});

describe('an API server that is slow', () => {
  it('is waited for so long, once', async () => {
    kube.on(`GET ${PODS}`, () => {});
    const { list, unseen } = await looking({ requestMs: 80 });
    expect(await list('pods', { namespace: 'shop' })).toEqual([]);
    expect(unseen).toEqual([{ what: 'Pods in shop', why: 'no answer within 80ms' }]);
    expect(kube.requests).toHaveLength(1);
  });

  it('also where it stops in the middle of an answer', async () => {
    kube.on(`GET ${PODS}`, (_, response) => {
      response.writeHead(200).write('{"items":[');
    });
    const { list, unseen } = await looking({ requestMs: 80 });
    await list('pods', { namespace: 'shop' });
    expect(unseen[0]?.why).toBe('no answer within 80ms');
  });

  it('does not keep the whole longer than its time: what there is by then is what is known', async () => {
    shop(kube);
    for (const path of [PODS, at('services', 'bank'), at('events', 'shop')]) kube.on(`GET ${path}`, () => {});
    const access = await readingAccess(kube.api.kubeConfig, { signal: never, totalMs: 2000 });
    const before = performance.now();
    const facts = await gatherFacts(access, SHOP);
    expect(performance.now() - before).toBeLessThan(8000);
    expect(podNames(facts.objects.services)).toContain('greeter');
    expect(facts.unseen).toContainEqual({ what: 'Pods in shop', why: 'no answer within 2.0s' });
  });

  it('is left at once on Ctrl-C', async () => {
    const interrupted = new AbortController();
    kube.on(`GET ${PODS}`, () => interrupted.abort(new LabError('interrupted', 'interrupted')));
    const { list, unseen } = await looking({ signal: interrupted.signal });
    await expect(list('pods', { namespace: 'shop' })).rejects.toMatchObject({ code: 'interrupted' });
    expect(unseen).toEqual([]);
  });
});

it('asks ten things at a time', async () => {
  const access = await readingAccess(kube.api.kubeConfig, { signal: never });
  const held: (() => void)[] = [];
  let asked = 0;
  kube.on('GET /api', (request, response) => {
    held.push(() => page(undefined)(request, response));
    // Nothing is answered before ten have come; by then no more have been sent.
    if (asked === 0 && held.length === 10) asked = access.audit.length;
    if (asked > 0) for (const answer of held.splice(0)) answer();
  });
  await Promise.all(Array.from({ length: 45 }, () => access.page('pods', { namespace: 'shop' })));
  expect(kube.requests).toHaveLength(45);
  expect(asked).toBe(10);
});
