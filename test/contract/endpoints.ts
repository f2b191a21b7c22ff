// EndpointSlices: who is in them, in which condition, and when that changes.
import type { V1Endpoint, V1EndpointSlice, V1Node, V1Pod } from '@kubernetes/client-node';
import { expect } from 'vitest';
import { area, type Space, until } from './support.ts';
import {
  agentIn,
  endedPod,
  nameOf,
  readyPod,
  readyPods,
  runDeployment,
  runPod,
  runService,
} from './workloads.ts';

const OF = 'kubernetes.io/service-name';

const slicesOf = (space: Space, service: string): Promise<V1EndpointSlice[]> =>
  space.list('endpointslices', `${OF}=${service}`);

const endpointsOf = async (space: Space, service: string): Promise<V1Endpoint[]> =>
  (await slicesOf(space, service)).flatMap(({ endpoints }) => endpoints ?? []);

/** Waits until there is an endpoint for each of the pods, and none else, all in this condition. */
const endpointsAre = (
  space: Space,
  service: string,
  pods: readonly V1Pod[],
  conditions: V1Endpoint['conditions'] = { ready: true, serving: true, terminating: false },
): Promise<V1Endpoint[]> =>
  until(`endpoints of ${service}`, async () => {
    const endpoints = await endpointsOf(space, service);
    expect(endpoints.flatMap(({ addresses }) => addresses).sort()).toEqual(
      pods.map(({ status }) => status?.podIP).sort(),
    );
    for (const endpoint of endpoints) expect(endpoint.conditions).toMatchObject(conditions ?? {});
    return endpoints;
  });

const zoneOf = async (space: Space, node: string): Promise<string | undefined> => {
  const { body } = await space.http<V1Node>('GET', `/api/v1/nodes/${node}`);
  return body.metadata?.labels?.['topology.kubernetes.io/zone'];
};

export const endpoints = area('endpoints', (contract) => {
  contract('a slice says which pods, on which nodes and in which zones', async (space) => {
    const service = await runService(space, 'whole');
    const pods = await runDeployment(space, 'whole', 3);
    const found = await endpointsAre(space, 'whole', pods);
    for (const pod of pods) {
      const endpoint = found.find(({ addresses }) => addresses[0] === pod.status?.podIP);
      const nodeName = pod.spec?.nodeName ?? '';
      const zone = await zoneOf(space, nodeName);
      expect(zone).toMatch(/^zone-[ab]$/);
      expect(endpoint).toMatchObject({
        nodeName,
        zone,
        targetRef: { kind: 'Pod', namespace: space.name, name: nameOf(pod), uid: pod.metadata?.uid },
      });
    }
    const [slice] = await slicesOf(space, 'whole');
    expect(slice).toMatchObject({
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      metadata: {
        generateName: 'whole-',
        labels: {
          [OF]: 'whole',
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        },
        ownerReferences: [{ kind: 'Service', name: 'whole', uid: service.metadata?.uid, controller: true }],
      },
    });
  });

  contract('a pod that gets unready stays, neither ready nor serving, and comes back', async (space) => {
    await runService(space, 'flips');
    const pods = await runDeployment(space, 'flips', 1);
    await endpointsAre(space, 'flips', pods);
    const pod = agentIn(space, nameOf(pods[0]));
    await pod.setReady(false);
    await endpointsAre(space, 'flips', pods, { ready: false, serving: false, terminating: false });
    await pod.setReady(true);
    await endpointsAre(space, 'flips', pods);
  });

  contract('a pod that is going serves, but is not ready, until it is gone', async (space) => {
    await runService(space, 'going');
    const pods = await runDeployment(space, 'going', 1, {
      env: { LINGER_MS: '4000' },
      pod: { terminationGracePeriodSeconds: 20 },
    });
    await endpointsAre(space, 'going', pods);
    await space.patch('deployments', 'going', { spec: { replicas: 0 } });
    await endpointsAre(space, 'going', pods, { ready: false, serving: true, terminating: true });
    await endpointsAre(space, 'going', []);
    const [slice] = await slicesOf(space, 'going');
    expect(slice?.endpoints ?? []).toEqual([]);
  });

  contract('publishNotReadyAddresses makes every pod ready', async (space) => {
    await runService(space, 'published', { publishNotReadyAddresses: true });
    await runPod(space, 'published', { env: { READY: 'false' } });
    const pods = await until('an address', async () => {
      const pod = await space.get('pods', 'published');
      expect(pod.status?.podIP).toBeTruthy();
      return [pod];
    });
    await endpointsAre(space, 'published', pods, { ready: true, serving: false, terminating: false });
    await agentIn(space, 'published')
      .setReady(true)
      .catch(() => {});
  });

  contract('a targetPort by name is the port that the pod gives that name', async (space) => {
    const ports = [
      { name: 'a', port: 7000, targetPort: 'http', appProtocol: 'kubernetes.io/h2c' },
      { name: 'b', port: 7001, targetPort: 'metrics' },
    ];
    await runService(space, 'named', { ports });
    const pods = await runDeployment(space, 'named', 1, {
      container: {
        ports: [
          { name: 'http', containerPort: 8080 },
          { name: 'metrics', containerPort: 9090 },
        ],
      },
    });
    await endpointsAre(space, 'named', pods);
    const [slice] = await slicesOf(space, 'named');
    expect(slice?.ports).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'a', port: 8080, appProtocol: 'kubernetes.io/h2c' }),
        expect.objectContaining({ name: 'b', port: 9090 }),
      ]),
    );
  });

  contract('a Service that selects no pod has a slice with nobody in it', async (space) => {
    await runService(space, 'nobody');
    await until('a slice', async () => expect(await slicesOf(space, 'nobody')).toHaveLength(1));
    expect(await endpointsOf(space, 'nobody')).toEqual([]);
  });

  contract('a pod that is relabelled leaves, and another selector finds others', async (space) => {
    await runService(space, 'labels');
    await Promise.all([runPod(space, 'labels'), runPod(space, 'others')]);
    const [mine, other] = await Promise.all([readyPod(space, 'labels'), readyPod(space, 'others')]);
    await endpointsAre(space, 'labels', [mine]);
    await space.patch('pods', 'others', { metadata: { labels: { app: 'labels' } } });
    await endpointsAre(space, 'labels', [mine, other]);
    await space.patch('pods', 'labels', { metadata: { labels: { app: 'left' } } });
    await endpointsAre(space, 'labels', [other]);
    await space.patch('services', 'labels', { spec: { selector: { app: 'left' } } });
    await endpointsAre(space, 'labels', [mine]);
  });

  contract('labels of the Service are on its slices, and that it is headless', async (space) => {
    await runService(space, 'mirrored', { clusterIP: 'None' }, { team: 'blue' });
    const labels = (expected: object) =>
      until('the labels', async () => {
        const [slice] = await slicesOf(space, 'mirrored');
        expect(slice?.metadata?.labels).toMatchObject(expected);
      });
    await labels({ team: 'blue', 'service.kubernetes.io/headless': '' });
    await space.patch('services', 'mirrored', { metadata: { labels: { team: 'red' } } });
    await labels({ team: 'red' });
  });

  contract('slices go with their Service', async (space) => {
    await runService(space, 'brief');
    await until('a slice', async () => expect(await slicesOf(space, 'brief')).toHaveLength(1));
    await space.remove('services', 'brief');
    await until('no slice', async () => expect(await slicesOf(space, 'brief')).toEqual([]));
  });

  contract('a pod that has ended is not ready', async (space) => {
    await runService(space, 'ended');
    await runPod(space, 'ended', {
      script: 'setTimeout(() => {}, 3000)',
      pod: { restartPolicy: 'Never' },
    });
    const pod = await readyPod(space, 'ended');
    await endpointsAre(space, 'ended', [pod]);
    // Whether it is still listed depends on how its last two states came in.
    await until('no ready endpoint', async () => {
      const ready = (await endpointsOf(space, 'ended')).filter(({ conditions }) => conditions?.ready);
      expect(ready).toEqual([]);
    });
    expect((await endedPod(space, 'ended')).status?.phase).toBe('Succeeded');
  });

  contract(
    'at every event of a scale-out and back, ready endpoints are pods that were Ready',
    async (space) => {
      await runService(space, 'events');
      await endpointsAre(space, 'events', await runDeployment(space, 'events', 2));
      await using slices = await space.watch<V1EndpointSlice>(space.path('endpointslices'), {
        labelSelector: `${OF}=events`,
      });
      await space.patch('deployments', 'events', { spec: { replicas: 5 } });
      const five = await readyPods(space, 'events', 5);
      await endpointsAre(space, 'events', five);
      await space.patch('deployments', 'events', { spec: { replicas: 2 } });
      const two = await readyPods(space, 'events', 2);
      await endpointsAre(space, 'events', two);
      const known = new Set(five.map(({ status }) => status?.podIP));
      const readyCounts = slices.events.map(({ object }) => {
        const ready = (object.endpoints ?? []).filter(({ conditions }) => conditions?.ready);
        expect(ready.every(({ addresses }) => known.has(addresses[0] ?? ''))).toBe(true);
        expect(new Set(ready.map(({ addresses }) => addresses[0])).size).toBe(ready.length);
        return ready.length;
      });
      expect(Math.max(...readyCounts)).toBe(5);
      expect(Math.min(...readyCounts)).toBe(2);
    },
  );
});
