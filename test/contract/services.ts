// Services: which pod a connection comes to, and when none does.
import type { V1Service } from '@kubernetes/client-node';
import { expect } from 'vitest';
import { area, type Space, until } from './support.ts';
import {
  agentIn,
  nameOf,
  observer,
  readyPod,
  readyPods,
  runDeployment,
  runPod,
  runService,
  type Who,
} from './workloads.ts';

/** Waits until requests over connections of their own are answered by these pods, and by them only. */
const reaches = (space: Space, url: string, pods: readonly string[]): Promise<void> =>
  until(`${url} answered by ${pods.length} pods`, async () => {
    const seen = await (await observer(space)).spread(url, 12 * pods.length);
    if (typeof seen === 'string') throw new Error(seen);
    expect(Object.keys(seen).sort()).toEqual([...pods].sort());
  });

export const services = area('services', (contract) => {
  contract(
    'each connection to a ClusterIP comes to a pod at random; calls on it stay there',
    async (space) => {
      await runService(space, 'spread');
      const pods = (await runDeployment(space, 'spread', 3)).map(nameOf);
      await reaches(space, 'http://spread:7000/', pods);
      const agent = await observer(space);
      const seen = (await agent.spread('http://spread:7000/', 150)) as Record<string, number>;
      // Of 150 connections, 50 to each on average: 25 are more than four standard deviations away.
      expect(Math.min(...Object.values(seen))).toBeGreaterThan(25);

      const kept: string[] = [];
      for (let made = 0; made < 20; made += 1) {
        kept.push(((await agent.get('http://spread:7000/', 'spread')) as Who).pod);
      }
      expect(new Set(kept).size).toBe(1);
    },
  );

  contract('only ready pods get connections, new ones as well', async (space) => {
    await runService(space, 'ready');
    const pods = (await runDeployment(space, 'ready', 2)).map(nameOf);
    await reaches(space, 'http://ready:7000/', pods);
    await agentIn(space, pods[0] ?? '').setReady(false);
    await reaches(space, 'http://ready:7000/', pods.slice(1));
    await agentIn(space, pods[0] ?? '').setReady(true);
    await space.patch('deployments', 'ready', { spec: { replicas: 3 } });
    await reaches(space, 'http://ready:7000/', (await readyPods(space, 'ready', 3)).map(nameOf));
  });

  contract('with no ready pod a connection is refused, until there is one', async (space) => {
    const { spec } = await runService(space, 'empty');
    const agent = await observer(space);
    const ip = spec?.clusterIP ?? '';
    const connects = (expected: string) =>
      until(`a connection is ${expected}`, async () => expect(await agent.connect(ip, 7000)).toBe(expected));
    await connects('ECONNREFUSED');
    await runPod(space, 'empty');
    await readyPod(space, 'empty');
    await connects('connected');
    await agentIn(space, 'empty').setReady(false);
    await connects('ECONNREFUSED');
  });

  contract('a connection outlives the readiness of its pod', async (space) => {
    await runService(space, 'loyal');
    const pods = (await runDeployment(space, 'loyal', 2)).map(nameOf);
    await reaches(space, 'http://loyal:7000/', pods);
    const agent = await observer(space);
    const first = (await agent.get('http://loyal:7000/', 'loyal')) as Who;
    await agentIn(space, first.pod).setReady(false);
    await reaches(
      space,
      'http://loyal:7000/',
      pods.filter((pod) => pod !== first.pod),
    );
    const later = (await agent.get('http://loyal:7000/', 'loyal')) as Who;
    expect([later.pod, later.connection]).toEqual([first.pod, first.connection]);
  });

  contract('a ClusterIP maps ports; a headless name does not', async (space) => {
    const ports = [
      { name: 'a', port: 7000, targetPort: 8080 },
      { name: 'b', port: 7001, targetPort: 'http' },
    ];
    await runService(space, 'mapped', { ports });
    await space.create('services', {
      metadata: { name: 'unmapped' },
      spec: { clusterIP: 'None', selector: { app: 'mapped' }, ports },
    });
    const [pod] = (await runDeployment(space, 'mapped', 1)).map(nameOf);
    for (const port of [7000, 7001]) await reaches(space, `http://mapped:${port}/`, [pod ?? '']);
    const agent = await observer(space);
    await until('the headless name', async () =>
      expect(await agent.get('http://unmapped:8080/')).toMatchObject({ pod }),
    );
    expect(await agent.connect('unmapped', 7000)).toBe('ECONNREFUSED');
  });

  contract('a pod is reached by its address, and sees the caller’s', async (space) => {
    await runService(space, 'seen');
    const [pod] = await runDeployment(space, 'seen', 1);
    const agent = await observer(space);
    const remote = (await space.get('pods', 'observer')).status?.podIP;
    const direct = await agent.get(`http://${pod?.status?.podIP}:8080/a/b?c=d`);
    expect(direct).toMatchObject({ pod: nameOf(pod), remote, path: '/a/b?c=d' });
    await reaches(space, 'http://seen:7000/', [nameOf(pod)]);
    expect(await agent.get('http://seen:7000/')).toMatchObject({ remote });
  });

  contract('what listens on 127.0.0.1 is reached from inside the pod only', async (space) => {
    const probe = { container: { readinessProbe: undefined as never } };
    const local = { env: { BIND: '127.0.0.1', PORT: '9000' }, ...probe };
    const script = `const http = require('node:http');
      http.createServer((_, response) => response.end(process.env.POD_NAME)).listen(9000, '127.0.0.1', () =>
        http.get('http://localhost:9000', async (response) => {
          for await (const chunk of response) console.log('I am ' + chunk);
        }));`;
    await Promise.all(['local-1', 'local-2'].map((name) => runPod(space, name, { ...local, script })));
    const agent = await observer(space);
    for (const name of ['local-1', 'local-2']) {
      const { status } = await readyPod(space, name);
      await until(`${name} sees itself`, async () => {
        const { text } = await space.http('GET', `${space.path('pods', name)}/log`);
        expect(text).toBe(`I am ${name}\n`);
      });
      expect(await agent.connect(status?.podIP ?? '', 9000)).toBe('ECONNREFUSED');
    }
    expect(await agent.connect('127.0.0.1', 9000)).toBe('ECONNREFUSED');
  });

  contract('when every pod is going, connections still come to those that serve', async (space) => {
    await runService(space, 'last');
    const [pod] = (
      await runDeployment(space, 'last', 1, {
        env: { LINGER_MS: '8000' },
        pod: { terminationGracePeriodSeconds: 20 },
      })
    ).map(nameOf);
    await reaches(space, 'http://last:7000/', [pod ?? '']);
    await space.patch('deployments', 'last', { spec: { replicas: 0 } });
    await until('terminating', async () => {
      const [slice] = await space.list('endpointslices', 'kubernetes.io/service-name=last');
      expect(slice?.endpoints?.[0]?.conditions?.terminating).toBe(true);
    });
    await reaches(space, 'http://last:7000/', [pod ?? '']);
  });

  contract('a ClusterIP stays the Service’s own: given once, and not to be changed', async (space) => {
    const { spec } = await runService(space, 'fixed');
    const ip = spec?.clusterIP ?? '';
    expect(ip).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    const body = { spec: { clusterIP: ip.replace(/\d+$/, (last) => `${(Number(last) % 250) + 1}`) } };
    body.spec = { ...body.spec };
    const type = 'application/merge-patch+json';
    const refused = await space.http('PATCH', space.path('services', 'fixed'), { body, type });
    expect(refused.status).toBe(422);
    expect(refused.body.message).toMatch(
      /spec\.clusterIPs?\[?0?\]?: Invalid value.*(immutable|may not change)/,
    );
    const replaced = await space.http<V1Service>('PUT', space.path('services', 'fixed'), {
      body: { metadata: { name: 'fixed' }, spec: { ports: [{ name: 'http', port: 7001 }] } },
    });
    expect(replaced.status, replaced.text).toBe(200);
    expect(replaced.body.spec).toMatchObject({ clusterIP: ip, clusterIPs: [ip], ipFamilies: ['IPv4'] });
    const taken = await space.http('POST', space.path('services'), {
      body: { metadata: { name: 'thief' }, spec: { clusterIP: ip, ports: [{ port: 7000 }] } },
    });
    expect(taken.status).toBe(422);
    expect(taken.body.message).toMatch(/provided IP is already allocated/);
  });
});
