// DNS as pods see it: what a name answers, from where, and how soon that follows.
import type { SrvRecord } from 'node:dns';
import type { V1Pod } from '@kubernetes/client-node';
import { expect } from 'vitest';
import { connect, podProxy } from '../../scripts/cluster/index.ts';
import { NAMESPACE } from '../../scripts/cluster/lab.ts';
import { readToken } from '../../scripts/cluster/token.ts';
import type { DnsProbeAnswer } from '../../services/protocol/index.ts';
import { area, type Space, until } from './support.ts';
import { agentIn, nameOf, observer, readyPods, runDeployment, runPod, runService } from './workloads.ts';

const headless = { clusterIP: 'None' };
const addressesOf = (pods: readonly V1Pod[]) => pods.map(({ status }) => status?.podIP ?? '').sort();

/** Waits until a name answers this; CoreDNS follows the API within a second or so. */
const answers = (space: Space, name: string, expected: string[] | string, timeoutMs = 40_000) =>
  until(
    `${name} answers ${expected}`,
    async () => expect(await (await observer(space)).lookup(name)).toEqual(expected),
    timeoutMs,
  );

export const dns = area('dns', (contract) => {
  contract('a headless name answers with the ready pods, and follows them', async (space) => {
    await runService(space, 'follows', headless);
    const pods = await runDeployment(space, 'follows', 3);
    await answers(space, 'follows', addressesOf(pods));
    const agent = agentIn(space, nameOf(pods[0]));
    await agent.setReady(false);
    await answers(space, 'follows', addressesOf(pods.slice(1)));
    await agent.setReady(true);
    await answers(space, 'follows', addressesOf(pods));
    await space.patch('deployments', 'follows', { spec: { replicas: 5 } });
    await answers(space, 'follows', addressesOf(await readyPods(space, 'follows', 5)));
  });

  contract('a pod that is going is no longer in the answer, while it still serves', async (space) => {
    await runService(space, 'leaving', headless);
    const pods = await runDeployment(space, 'leaving', 2, {
      env: { LINGER_MS: '8000' },
      pod: { terminationGracePeriodSeconds: 30 },
    });
    await answers(space, 'leaving', addressesOf(pods));
    await space.patch('deployments', 'leaving', { spec: { replicas: 1 } });
    const going = await until('one that goes', async () => {
      const found = (await space.list('pods', 'app=leaving')).find((pod) => pod.metadata?.deletionTimestamp);
      if (!found) throw new Error('none');
      return found;
    });
    await answers(space, 'leaving', addressesOf(pods.filter((pod) => nameOf(pod) !== nameOf(going))));
    const ip = going.status?.podIP ?? '';
    expect(await (await observer(space)).get(`http://${ip}:8080/`)).toMatchObject({ pod: nameOf(going) });
  });

  contract('a ClusterIP’s name answers its virtual IP, with and without pods', async (space) => {
    const { spec } = await runService(space, 'virtual');
    const ip = spec?.clusterIP ?? '';
    await answers(space, 'virtual', [ip]);
    const pods = await runDeployment(space, 'virtual', 1);
    expect(addressesOf(pods)).not.toContain(ip);
    await answers(space, 'virtual', [ip]);
  });

  contract('names are found from short to whole', async (space) => {
    const { spec } = await runService(space, 'forms');
    const ip = spec?.clusterIP ?? '';
    const full = `forms.${space.name}.svc.cluster.local`;
    for (const name of ['forms', `forms.${space.name}`, `forms.${space.name}.svc`, full, `${full}.`]) {
      await answers(space, name, [ip]);
    }
    // A query for records asks for the name as it stands.
    const agent = await observer(space);
    expect(await agent.resolve(full, 'A')).toEqual([ip]);
  });

  contract('a name that nobody has is not found', async (space) => {
    const agent = await observer(space);
    expect(await agent.lookup('nobody')).toBe('ENOTFOUND');
    expect(await agent.resolve(`nobody.${space.name}.svc.cluster.local`, 'A')).toBe('ENOTFOUND');
    expect(await agent.lookup(`nobody.nowhere.svc.cluster.local`)).toBe('ENOTFOUND');
  });

  contract('a name of another namespace is found with that namespace only', async (space) => {
    const agent = await observer(space);
    expect(await agent.lookup('greeter')).toBe('ENOTFOUND');
    const { body } = await space.http<{ spec: { clusterIP: string } }>(
      'GET',
      `/api/v1/namespaces/${NAMESPACE}/services/greeter`,
    );
    for (const name of [`greeter.${NAMESPACE}`, `greeter.${NAMESPACE}.svc.cluster.local`]) {
      // A DNS server that has just started may not have read all Services yet.
      await until(name, async () => expect(await agent.lookup(name)).toEqual([body.spec.clusterIP]));
    }
  });

  contract('a new name is found, and a deleted one is not', async (space) => {
    const { spec } = await runService(space, 'brief');
    await answers(space, 'brief', [spec?.clusterIP ?? '']);
    await space.remove('services', 'brief');
    await answers(space, 'brief', 'ENOTFOUND');
  });

  contract(
    'a headless name with no ready pod is not found; publishNotReadyAddresses finds it',
    async (space) => {
      await runService(space, 'unready', headless);
      await space.create('services', {
        metadata: { name: 'unready-published' },
        spec: {
          ...headless,
          selector: { app: 'unready' },
          ports: [{ port: 7000, targetPort: 8080 }],
          publishNotReadyAddresses: true,
        },
      });
      await runPod(space, 'unready', { env: { READY: 'false' } });
      const pod = await until('an address', async () => {
        const found = await space.get('pods', 'unready');
        expect(found.status?.podIP).toBeTruthy();
        return found;
      });
      await answers(space, 'unready-published', addressesOf([pod]));
      await answers(space, 'unready', 'ENOTFOUND');
    },
  );

  contract('SRV of a ClusterIP tells its port and itself', async (space) => {
    const { spec } = await runService(space, 'srv');
    const full = `srv.${space.name}.svc.cluster.local`;
    const agent = await observer(space);
    const [record, ...others] = await until('the record', async () => {
      const found = await agent.resolve<SrvRecord[]>(`_http._tcp.${full}`, 'SRV');
      if (typeof found === 'string') throw new Error(found);
      return found;
    });
    expect(others).toEqual([]);
    expect(record).toMatchObject({ name: full, port: 7000 });
    expect(await agent.resolve(full, 'A')).toEqual([spec?.clusterIP]);
    expect(await agent.resolve(`_nope._tcp.${full}`, 'SRV')).toBe('ENOTFOUND');
  });

  contract('SRV of a headless Service tells each pod’s own port and name', async (space) => {
    await runService(space, 'srv-pods', headless);
    const pods = await runDeployment(space, 'srv-pods', 2);
    const full = `srv-pods.${space.name}.svc.cluster.local`;
    const agent = await observer(space);
    const records = await until('two records', async () => {
      const found = await agent.resolve<SrvRecord[]>(`_http._tcp.${full}`, 'SRV');
      if (typeof found === 'string') throw new Error(found);
      expect(found).toHaveLength(2);
      return found;
    });
    expect(records.map(({ port }) => port)).toEqual([8080, 8080]);
    const targets = await Promise.all(records.map(({ name }) => agent.resolve<string[]>(name, 'A')));
    expect(targets.flat().sort()).toEqual(addressesOf(pods));
    for (const { name } of records) expect(name.endsWith(`.${full}`)).toBe(true);
  });

  contract('there is no IPv6 address, which is not the same as no name', async (space) => {
    await runService(space, 'four');
    await answers(space, 'four', expect.any(Array));
    const agent = await observer(space);
    expect(await agent.resolve(`four.${space.name}.svc.cluster.local`, 'AAAA')).toBe('ENODATA');
  });

  contract('an EndpointSlice that somebody made by hand is answered', async (space) => {
    await space.create('services', {
      metadata: { name: 'by-hand' },
      spec: { ...headless, ports: [{ name: 'http', port: 7000 }] },
    });
    const agent = await observer(space);
    expect(await space.list('endpointslices', 'kubernetes.io/service-name=by-hand')).toEqual([]);
    const me = await space.get('pods', 'observer');
    await space.create('endpointslices', {
      metadata: { name: 'by-hand-1', labels: { 'kubernetes.io/service-name': 'by-hand' } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: [{ addresses: [me.status?.podIP ?? ''], conditions: { ready: true } }],
    });
    await answers(space, 'by-hand', addressesOf([me]));
    expect(await agent.lookup('by-hand')).toEqual(addressesOf([me]));
  });

  contract('greeter-client sees the lab’s own names', async (space) => {
    const api = connect(space.kubeconfig);
    const proxy = await podProxy(api.kubeConfig, await readToken(api));
    const selected = async (app: string) => {
      const query = { labelSelector: `app.kubernetes.io/name=${app},app.kubernetes.io/instance=lab` };
      const path = `/api/v1/namespaces/${NAMESPACE}/pods`;
      return (await space.http<{ items: V1Pod[] }>('GET', path, { query })).body.items;
    };
    const [client] = await selected('greeter-client');
    const ask = (path: string, body: object) =>
      proxy.json<DnsProbeAnswer & { connected?: boolean }>(nameOf(client), { method: 'POST', path, body });
    const servers = addressesOf(await selected('greeter-server'));
    expect((await ask('/probes/dns', { name: 'greeter-headless' })) as object).toMatchObject({
      records: servers,
    });
    expect(await ask('/probes/dns', { name: 'nope' })).toMatchObject({ error: 'ENOTFOUND' });
    expect(await ask('/probes/tcp', { host: 'greeter', port: 50051 })).toMatchObject({ connected: true });
  });
});
