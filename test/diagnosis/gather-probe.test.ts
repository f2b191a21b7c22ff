// --probe: one pod beside the client, shown before it is made, and removed whatever happens.
import type { V1Pod } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LabError } from '../../scripts/common/errors.ts';
import {
  type AccessOptions,
  gatherFacts,
  readingAccess,
  withProbe,
} from '../../scripts/diagnosis/gather/index.ts';
import { type Answer, json, type KubeApi, kubeApi, refuse } from '../support/kube-api.ts';
import { ANSWER, at, SHOP, shop, shopPod } from './shop.ts';

let kube: KubeApi;
const PODS = at('pods', 'shop');

beforeEach(async () => {
  kube = await kubeApi();
  shop(kube);
  kube.on(`GET ${PODS}/web-abc-1/log`, (_, response) => response.end());
  kube.on(`GET ${PODS}/greeter-1/log`, (_, response) => response.end());
  kube.on(`DELETE ${PODS}/`, remove);
  // Its pods run as soon as they are made.
  kube.on(`POST ${PODS}`, ({ path, body }, response) => {
    if (path !== PODS) return json(response, 200, ANSWER);
    const pod = JSON.parse(body) as V1Pod;
    kube.put(PODS, { ...pod, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } });
    json(response, 201, {});
  });
});
afterEach(() => kube[Symbol.asyncDispose]());

/** As Kubernetes does: what is not there cannot be deleted. */
const remove: Answer = ({ path }, response) => {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const isThere = kube.objects(PODS).some(({ metadata }) => metadata?.name === name);
  kube.remove(PODS, name);
  json(response, isThere ? 200 : 404, {});
};

async function probe(options: Partial<AccessOptions> = {}) {
  const shown: V1Pod[] = [];
  const warned: string[] = [];
  const access = await readingAccess(kube.api.kubeConfig, {
    signal: new AbortController().signal,
    ...options,
  });
  const gathering = gatherFacts(access, SHOP).then((facts) =>
    withProbe(access, facts, {
      image: 'probe:1',
      show: (manifest) => shown.push(manifest),
      warn: (text) => warned.push(text),
      say: () => {},
    }),
  );
  return { gathering, shown, warned, access };
}
const probePods = () =>
  kube.objects(PODS).filter(({ metadata }) => /^grpc-diagnose-/.test(metadata?.name ?? ''));
const changes = () =>
  kube.requests.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`);

describe('a probe pod', () => {
  it('is where the client is, and nobody else', async () => {
    const { gathering, shown } = await probe();
    await gathering;
    const [pod] = shown;
    expect(pod).toMatchObject({
      metadata: { name: expect.stringMatching(/^grpc-diagnose-[0-9a-f]{8}$/), namespace: 'shop' },
      spec: {
        nodeName: 'node-1',
        serviceAccountName: 'shopper',
        dnsPolicy: 'ClusterFirst',
        tolerations: [{ key: 'spot', operator: 'Exists' }],
        automountServiceAccountToken: false,
        restartPolicy: 'Never',
        activeDeadlineSeconds: 60,
        securityContext: { runAsNonRoot: true },
        containers: [
          {
            image: 'probe:1',
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'] },
            },
          },
        ],
      },
    });
    expect(Object.keys(pod?.metadata?.labels ?? {})).toEqual(['grpc-kind-lab.dev/probe']);
    expect(pod?.spec?.containers[0]?.env).toEqual([
      { name: 'LAB_TOKEN', value: expect.stringMatching(/^[\w-]{32}$/) },
    ]);
    expect(JSON.stringify(pod)).not.toContain('web');
  });

  it('tries the way of a call, and is gone afterwards', async () => {
    const { gathering, shown, access } = await probe();
    const facts = await gathering;
    const name = shown[0]?.metadata?.name ?? '';
    expect(facts.probes).toEqual([{ from: { pod: name, place: 'probe-pod' }, answer: ANSWER }]);
    expect(facts.unseen).toEqual([]);
    const asked = kube.requests.find(({ path }) => path.endsWith('/proxy/probes/path'));
    expect(asked?.headers['x-lab-token']).toBe(shown[0]?.spec?.containers[0]?.env?.[0]?.value);
    expect(JSON.parse(asked?.body ?? '')).toEqual({
      host: 'greeter',
      port: 80,
      further: [{ address: '10.0.0.2', port: 50051 }],
    });
    expect(probePods()).toEqual([]);
    expect(changes().slice(0, 3)).toEqual([
      `POST ${PODS}`,
      `POST ${PODS}/${name}:8080/proxy/probes/path`,
      `DELETE ${PODS}/${name}`,
    ]);
    const beyond = access.audit.filter(({ verb }) => verb !== 'get' && verb !== 'list');
    expect(beyond.slice(0, 3)).toEqual([
      { verb: 'create', resource: 'pods', namespace: 'shop', name },
      { verb: 'create', resource: 'pods/proxy', namespace: 'shop', name },
      { verb: 'delete', resource: 'pods', namespace: 'shop', name },
    ]);
  });

  it('is shown before it is made', async () => {
    let shownFirst = false;
    const { gathering, shown } = await probe();
    kube.on(`POST ${PODS}?`, (_, response) => {
      shownFirst = shown.length === 1;
      json(response, 403, { message: 'exceeded quota' });
    });
    const { unseen } = await gathering;
    expect(shownFirst).toBe(true);
    expect(unseen.map(({ why }) => why)).toEqual(['forbidden to create pods in shop']);
  });

  it.each([
    [
      'cannot pull its image',
      { waiting: { reason: 'ErrImagePull', message: 'no such image' } },
      /ErrImagePull: no such image/,
    ],
    ['crashes', { terminated: { exitCode: 1, reason: 'Error' } }, /does not start: Error/],
  ])('is removed when it %s', async (_, state, why) => {
    kube.on(`POST ${PODS}?`, ({ body }, response) => {
      const phase = 'terminated' in state ? 'Failed' : 'Pending';
      kube.put(PODS, { ...(JSON.parse(body) as V1Pod), status: { phase, containerStatuses: [{ state }] } });
      json(response, 201, {});
    });
    const { unseen } = await (await probe()).gathering;
    expect(unseen[0]?.why).toMatch(why);
    expect(changes()).toContainEqual(expect.stringMatching(/^DELETE /));
    expect(probePods()).toEqual([]);
  });

  it('is removed when it does not answer', async () => {
    kube.on(`POST ${PODS}/`, refuse(503, 'no route'));
    const { unseen } = await (await probe()).gathering;
    expect(unseen[0]?.why).toMatch(/503 .*no route/);
    expect(probePods()).toEqual([]);
  });

  it.each(['is made', 'starts', 'answers'])('is removed on Ctrl-C while it %s', async (when) => {
    const interrupted = new AbortController();
    const interrupt = () => interrupted.abort(new LabError('interrupted', 'interrupted'));
    const late = Promise.withResolvers<void>();
    if (when === 'is made')
      kube.on(`POST ${PODS}?`, ({ body }, response) => {
        interrupt();
        // It is there later than whoever gave up would look for it.
        setTimeout(() => {
          kube.put(PODS, JSON.parse(body) as V1Pod);
          json(response, 201, {});
          late.resolve();
        }, 300);
      });
    if (when === 'starts')
      kube.on(`POST ${PODS}?`, ({ body }, response) => {
        kube.put(PODS, JSON.parse(body) as V1Pod);
        json(response, 201, {});
        setImmediate(interrupt);
      });
    if (when === 'answers') kube.on(`POST ${PODS}/`, interrupt);
    const { gathering } = await probe({ signal: interrupted.signal });
    await expect(gathering).rejects.toMatchObject({ code: 'interrupted' });
    if (when === 'is made') await late.promise;
    expect(changes()).toContainEqual(expect.stringMatching(/^DELETE /));
    expect(probePods()).toEqual([]);
  });

  it('is removed also where the API server fails at first', async () => {
    let asked = 0;
    kube.on(`DELETE ${PODS}/`, (request, response) => {
      asked += 1;
      if (asked === 1) response.destroy();
      else if (asked === 2) json(response, 503, { message: 'busy' });
      else remove(request, response);
    });
    const { gathering, warned } = await probe();
    await gathering;
    expect(probePods()).toEqual([]);
    expect(warned).toEqual([]);
  });

  it('that may not be removed is named, with how to', async () => {
    kube.on(`DELETE ${PODS}/`, refuse(403, 'no'));
    const { gathering, warned, shown } = await probe();
    await gathering;
    const name = shown[0]?.metadata?.name;
    expect(warned).toEqual([
      `the pod ${name} may still be there (forbidden to delete pods in shop): kubectl delete pod ${name} --namespace shop`,
    ]);
  });

  it('is not made where there is no place for it', async () => {
    kube.remove(PODS, 'web-abc-1');
    const { unseen } = await (await probe()).gathering;
    expect(unseen.map(({ why }) => why)).toEqual(['the client has no pod that it could be tried beside']);
    expect(changes()).toEqual([]);
  });

  it('dials the Service where the client does not say what it dials', async () => {
    kube.put(PODS, shopPod('web-abc-1', { labels: { app: 'web' }, owner: 'web-abc' }));
    await (await probe()).gathering;
    const asked = kube.requests.find(({ path }) => path.endsWith('/proxy/probes/path'));
    expect(JSON.parse(asked?.body ?? '')).toMatchObject({ host: 'greeter.shop.svc', port: 80 });
  });
});

it('pods of others are left alone', async () => {
  kube.put(PODS, shopPod('grpc-diagnose-of-another'));
  await (await probe()).gathering;
  expect(probePods()).toHaveLength(1);
});
