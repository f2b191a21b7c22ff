// grpc-kit on an embedded cluster whose API goes wrong while pods come and go: no call is lost, all pods are found, and
// it is said once.
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { NAMESPACE } from '../../scripts/cluster/index.ts';
import { GreeterService } from '../../services/gen/greet.ts';
import { createClient } from '../../services/grpc-kit/src/index.ts';
import { lab } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp-dir.ts';
import { type RelayedApi, relayedApi } from './relayed-api.ts';
import { connectTo, LAB } from './support.ts';

const DEADLINE_MS = 3000;

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
  const said: string[] = [];
  const counts: number[] = [];
  const failures: unknown[] = [];
  const note = (message: string) => said.push(message);
  const client = createClient(GreeterService, `kubernetes:///greeter-headless.${NAMESPACE}:grpc`, {
    kubernetes: { kubeconfig: api.kubeconfig },
    logger: { info: note, warn: note },
    onAddresses: ({ endpoints }) => counts.push(endpoints),
    deadlineMs: DEADLINE_MS,
    retry: true,
  });
  let answered = 0;
  const call = () =>
    client.sayHello({ name: 'Ada' }).then(
      () => {
        answered += 1;
      },
      (error: unknown) => failures.push(error),
    );
  await client.sayHello({ name: 'Ada' }, { waitForReady: true });
  const timer = setInterval(call, 20);
  onTestFinished(async () => {
    clearInterval(timer);
    await client.close();
    await api[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  const knows = (endpoints: number) =>
    eventually(
      () => counts.at(-1) === endpoints,
      () => [counts, said, api.requests],
    );
  await knows(5);
  await eventually(() => api.requests.watches === 1);
  return { api, said, failures, knows, answered: () => answered };
}

/** No call failed, and there were many. */
async function noneLost({ failures, answered }: Awaited<ReturnType<typeof calling>>): Promise<void> {
  expect(failures).toEqual([]);
  expect(answered()).toBeGreaterThan(50);
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
    await noneLost(all);
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
