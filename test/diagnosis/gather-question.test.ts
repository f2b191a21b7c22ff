// Whether what is asked about is there.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Question } from '../../scripts/diagnosis/facts.ts';
import { checkQuestion, readingAccess } from '../../scripts/diagnosis/gather/index.ts';
import { type KubeApi, kubeApi, refuse } from '../support/kube-api.ts';
import { at, SHOP, shop } from './shop.ts';

let kube: KubeApi;
beforeEach(async () => {
  kube = await kubeApi();
  shop(kube);
});
afterEach(() => kube[Symbol.asyncDispose]());

const check = async (question: Question, requestMs = 5000) =>
  checkQuestion(
    await readingAccess(kube.api.kubeConfig, { signal: new AbortController().signal, requestMs }),
    question,
  );
const client = (name: string, kind: Question['client']['kind'] = 'Deployment', namespace = 'shop') => ({
  ...SHOP,
  client: { kind, name, namespace },
});

describe('a question', () => {
  it('is fine where everything is there', async () => {
    await check(SHOP);
    await check({ ...SHOP, service: undefined });
    await check({ ...SHOP, client: { kind: 'DaemonSet', name: 'one', namespace: 'shop' } });
  });

  it.each([
    [
      'Service',
      { ...SHOP, service: 'greter' },
      'there is no Service "greter" in shop',
      /^Did you mean greeter\?\nThere are: greeter$/,
    ],
    ['client', client('wbe'), 'there is no Deployment "wbe" in shop', /^Did you mean web\?/],
    [
      'client of another kind',
      client('web', 'StatefulSet'),
      'there is no StatefulSet "web" in shop',
      /^There are: one$/,
    ],
    [
      'namespace',
      { ...SHOP, namespace: 'shpo' },
      'there is no Namespace "shpo" in fake',
      /^Did you mean shop\?/,
    ],
    [
      'namespace of the client',
      client('web', 'Deployment', 'bnak'),
      'there is no Namespace "bnak" in fake',
      /bank/,
    ],
  ])('is refused for a %s that is not there, with the nearest', async (_, question, message, hint) => {
    await expect(check(question as Question)).rejects.toMatchObject({
      code: 'usage',
      message,
      hint: expect.stringMatching(hint),
    });
  });

  it('is refused without a list where none may be had', async () => {
    kube.on(`GET ${at('services', 'shop')}?`, refuse(403, 'no'));
    kube.on(`GET ${at('services', 'shop')}/nothing`, refuse(404, 'no'));
    await expect(check({ ...SHOP, service: 'nothing' })).rejects.toMatchObject({
      message: 'there is no Service "nothing" in shop',
      hint: undefined,
    });
  });

  it('is taken for granted where it may not be looked at', async () => {
    kube.on(`GET ${at('namespaces')}/`, refuse(403, 'no'));
    await check({ ...SHOP, service: undefined });
  });

  it.each([
    ['does not answer', () => {}, 'lost', /^http:.*no answer within 100ms$/],
    [
      'cannot be reached',
      (_: unknown, response: { destroy: () => void }) => response.destroy(),
      'lost',
      /^http:.* cannot be reached: /,
    ],
    ['does not know who asks', refuse(401, 'Unauthorized'), 'prerequisite', /401/],
  ] as const)('cannot be asked of an API server that %s', async (_, answer, code, message) => {
    kube.on('GET /', answer as never);
    // Only what is never answered is not waited for.
    const requestMs = message.source.includes('100ms') ? 100 : 5000;
    await expect(check(SHOP, requestMs)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });
});
