// grpc-kit on an embedded cluster whose API goes wrong while pods come and go: no call is lost, all pods are found, and
// it is said once.
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { NAMESPACE } from '../../scripts/cluster/index.ts';
import { lab } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp-dir.ts';
import { callingFrom } from './grpc-kit-calls.ts';
import { type RelayedApi, relayedApi } from './relayed-api.ts';
import { connectTo, LAB } from './support.ts';

beforeAll(async () => {
  const up = await lab('lab-up', ['--name', LAB, '--provider', 'embedded']);
  expect(up.exitCode, up.stderr).toBe(0);
});

afterAll(async () => {
  await lab('lab-down', ['--name', LAB]);
});

const scaleTo = (replicas: number) =>
  connectTo(LAB).apps.replaceNamespacedDeploymentScale({
    name: 'greeter-server',
    namespace: NAMESPACE,
    body: { metadata: { name: 'greeter-server', namespace: NAMESPACE }, spec: { replicas } },
  });

/** A client that calls all the time, beside an API that can go wrong; both end with the test. */
async function calling() {
  const folder = await tempDir();
  const api = await relayedApi(connectTo(LAB), folder.path);
  onTestFinished(async () => {
    await api[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  const calls = await callingFrom(`kubernetes:///greeter-headless.${NAMESPACE}:grpc`, api.kubeconfig);
  await calls.knows(5);
  await eventually(() => api.requests.watches === 1);
  return { api, ...calls };
}

beforeEach(() => scaleTo(5));

describe('a client that watches EndpointSlices', () => {
  it.each<[string, (api: RelayedApi) => () => Promise<void> | void, 'says it once' | 'need not say it']>([
    [
      'has its watch cut every second',
      (api) => {
        const timer = setInterval(api.cut, 1000);
        return () => clearInterval(timer);
      },
      'need not say it',
    ],
    [
      'is answered 410 to every watch',
      (api) => {
        api.setGone(true);
        api.cut();
        return () => api.setGone(false);
      },
      'need not say it',
    ],
    [
      'finds nobody at the API',
      (api) => {
        void api.goAway();
        return () => api.comeBack();
      },
      'says it once',
    ],
    [
      'has a token that expires, and a new one later',
      (api) => {
        api.revokeToken();
        api.cut();
        return () => api.rotateFile();
      },
      'says it once',
    ],
  ])('and %s loses no call and finds every pod in the end', async (_, breakApi, saying) => {
    const all = await calling();
    const before = all.api.requests.lists + all.api.requests.watches;
    const heal = breakApi(all.api);
    await scaleTo(7);
    await delay(3500);
    await scaleTo(6);
    await delay(1500);
    await heal();
    await all.knows(6);
    await all.noneLost();
    // It has lost its watch, and does not ask in a loop.
    expect(all.api.requests.lists + all.api.requests.watches).toBeGreaterThan(before);
    expect(all.api.requests.lists + all.api.requests.watches).toBeLessThan(60);
    if (saying === 'need not say it') return;
    const times = (text: string) => all.said.filter((line) => line.includes(text)).length;
    await eventually(
      () => times('can be watched again') === 1,
      () => all.said,
    );
    expect(times('cannot be watched')).toBe(1);
  });
});
