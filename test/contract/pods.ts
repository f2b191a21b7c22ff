// Pods from their description to running: where they land, what they are given, and why they do not start.
import type { V1Node, V1Pod, V1Volume } from '@kubernetes/client-node';
import { expect } from 'vitest';
import { area, type Space, until } from './support.ts';
import {
  agentIn,
  container,
  deployment,
  endedPod,
  eventOf,
  eventsOf,
  logOf,
  podSpec,
  podThat,
  readyPod,
  readyPods,
  runDeployment,
  runPod,
} from './workloads.ts';

const ONCE = { restartPolicy: 'Never' };

/** Waits until the container waits for this reason. @returns the message that goes with it. */
async function waits(space: Space, name: string, reason: string): Promise<string> {
  const pod = await podThat(space, name, `waits: ${reason}`, (seen) =>
    expect(container(seen)?.state?.waiting?.reason).toBe(reason),
  );
  return container(pod)?.state?.waiting?.message ?? '';
}

const nodes = async (space: Space): Promise<V1Node[]> =>
  (await space.http<{ items: V1Node[] }>('GET', '/api/v1/nodes')).body.items;
const isWorker = ({ spec }: V1Node) => !spec?.taints?.length;

export const pods = area('pods', (contract) => {
  contract('replicas are spread over the workers, none on a control plane', async (space) => {
    const constraint = {
      maxSkew: 1,
      topologyKey: 'kubernetes.io/hostname',
      whenUnsatisfiable: 'DoNotSchedule',
      nodeTaintsPolicy: 'Honor',
      labelSelector: { matchLabels: { app: 'spread' } },
    };
    const running = await runDeployment(space, 'spread', 6, {
      pod: { topologySpreadConstraints: [constraint] },
    });
    const workers = (await nodes(space)).filter(isWorker).map(({ metadata }) => metadata?.name);
    const perNode = workers.map((worker) => running.filter(({ spec }) => spec?.nodeName === worker).length);
    expect(perNode.reduce((sum, count) => sum + count, 0)).toBe(6);
    expect(Math.max(...perNode) - Math.min(...perNode)).toBeLessThanOrEqual(1);
  });

  contract('nodes say what they are: roles, zones, taints, that they are Ready', async (space) => {
    const all = await nodes(space);
    const [plane, ...others] = all.filter((node) => !isWorker(node));
    expect(others).toEqual([]);
    expect(plane?.metadata?.labels).toHaveProperty(['node-role.kubernetes.io/control-plane'], '');
    expect(plane?.spec?.taints).toMatchObject([
      { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' },
    ]);
    for (const { metadata, status } of all) {
      expect(metadata?.labels?.['kubernetes.io/hostname']).toBe(metadata?.name);
      expect(status?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
      expect(status?.nodeInfo?.kubeletVersion).toMatch(/^v1\.34\./);
      expect(status?.allocatable?.pods).toBe('110');
    }
    const zones = all
      .filter(isWorker)
      .map(({ metadata }) => metadata?.labels?.['topology.kubernetes.io/zone']);
    expect(zones.sort()).toEqual(['zone-a', 'zone-a', 'zone-b']);
  });

  contract('a pod goes to the node that it selects, or says why it goes nowhere', async (space) => {
    const worker = (await nodes(space)).find(isWorker)?.metadata?.name ?? '';
    await runPod(space, 'chosen', { pod: { nodeSelector: { 'kubernetes.io/hostname': worker } } });
    await runPod(space, 'zoned', { pod: { nodeSelector: { 'topology.kubernetes.io/zone': 'zone-b' } } });
    await runPod(space, 'nowhere', { pod: { nodeSelector: { no: 'node' } } });
    const said =
      /^0\/4 nodes are available: 1 node\(s\) had untolerated taint.*3 node\(s\) didn't match Pod's node affinity\/selector/;
    await podThat(space, 'nowhere', 'is not scheduled', ({ status }) => {
      expect(status?.phase).toBe('Pending');
      expect(status?.conditions).toContainEqual(
        expect.objectContaining({
          type: 'PodScheduled',
          status: 'False',
          reason: 'Unschedulable',
          message: expect.stringMatching(said),
        }),
      );
    });
    await eventOf(space, 'nowhere', /FailedScheduling: 0\/4 nodes are available/);
    expect((await readyPod(space, 'chosen')).spec?.nodeName).toBe(worker);
    const zoned = (await readyPod(space, 'zoned')).spec?.nodeName;
    const labels = (await nodes(space)).find(({ metadata }) => metadata?.name === zoned)?.metadata?.labels;
    expect(labels).toMatchObject({ 'topology.kubernetes.io/zone': 'zone-b' });
  });

  contract('a running pod’s status says what runs, since when, where', async (space) => {
    const created = await runPod(space, 'running');
    expect(created.status).toMatchObject({ phase: 'Pending', qosClass: 'BestEffort' });
    const { status, spec } = await readyPod(space, 'running');
    const node = (await nodes(space)).find(({ metadata }) => metadata?.name === spec?.nodeName);
    const address = node?.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
    expect(status).toMatchObject({ phase: 'Running', hostIP: address, podIPs: [{ ip: status?.podIP }] });
    const conditions = status?.conditions?.map((condition) => `${condition.type} ${condition.status}`);
    expect(conditions?.sort()).toEqual(
      ['ContainersReady', 'Initialized', 'PodReadyToStartContainers', 'PodScheduled', 'Ready'].map(
        (type) => `${type} True`,
      ),
    );
    expect(container({ status } as V1Pod)).toMatchObject({
      name: 'main',
      ready: true,
      started: true,
      restartCount: 0,
      // Of an image with several tags, a runtime names whichever it finds first.
      image: expect.stringContaining(space.images.client.replace(/:[^:]*$/, ':')),
      state: { running: { startedAt: expect.stringMatching(/Z$/) } },
      lastState: {},
    });
    expect(container({ status } as V1Pod)?.containerID).toMatch(/^[a-z]+:\/\/./);
    await until('its events', async () => {
      const events = (await eventsOf(space, 'running')).join('\n');
      expect(events).toMatch(/Scheduled: Successfully assigned contract-pods-\d+\/running to /);
      expect(events).toContain(`Pulled: Container image "${space.images.client}" already present on machine`);
      expect(events).toMatch(/Created: Created container: main/);
      expect(events).toMatch(/Started: Started container main/);
    });
  });

  contract('an image that cannot be pulled: ErrImagePull, then ImagePullBackOff', async (space) => {
    const image = 'grpc-kind-lab/nope:1';
    await runPod(space, 'unpullable', { container: { image } });
    await eventOf(space, 'unpullable', /Failed: Failed to pull image "grpc-kind-lab\/nope:1"/);
    await eventOf(space, 'unpullable', /Failed: Error: ErrImagePull/);
    expect(await waits(space, 'unpullable', 'ImagePullBackOff')).toMatch(
      /^Back-off pulling image "grpc-kind-lab\/nope:1"/,
    );
    await eventOf(space, 'unpullable', /BackOff: Back-off pulling image "grpc-kind-lab\/nope:1"/);
  });

  contract('a loaded image that must always be pulled cannot be', async (space) => {
    await runPod(space, 'always', { container: { imagePullPolicy: 'Always' } });
    await eventOf(space, 'always', /Failed: Failed to pull image/);
    await waits(space, 'always', 'ImagePullBackOff');
  });

  contract('an image that must not be pulled and is not there: ErrImageNeverPull', async (space) => {
    await runPod(space, 'never', { container: { image: 'grpc-kind-lab/nope:1', imagePullPolicy: 'Never' } });
    expect(await waits(space, 'never', 'ErrImageNeverPull')).toBe(
      'Container image "grpc-kind-lab/nope:1" is not present with pull policy of Never',
    );
  });

  contract('an image whose name cannot be one: InvalidImageName', async (space) => {
    await runPod(space, 'misnamed', { container: { image: 'Not:A:Name' } });
    expect(await waits(space, 'misnamed', 'InvalidImageName')).toMatch(
      /^Failed to apply default image tag "Not:A:Name": couldn't parse image name "Not:A:Name": invalid reference format/,
    );
    await eventOf(space, 'misnamed', /InspectFailed: Failed to apply default image tag/);
  });

  contract('a container that ends again and again: CrashLoopBackOff', async (space) => {
    await runPod(space, 'crashing', { script: 'console.error("no"); process.exit(3)' });
    expect(await waits(space, 'crashing', 'CrashLoopBackOff')).toMatch(
      /^back-off 10s restarting failed container=main pod=crashing_contract-pods-\d+\(.+\)$/,
    );
    const pod = await space.get('pods', 'crashing');
    expect(pod.status?.phase).toBe('Running');
    expect(container(pod)).toMatchObject({
      ready: false,
      restartCount: 1,
      lastState: { terminated: { exitCode: 3, reason: 'Error' } },
    });
    await eventOf(space, 'crashing', /BackOff: Back-off restarting failed container main in pod crashing_/);
  });

  contract('a container that ends well is restarted too, by restartPolicy Always', async (space) => {
    await runPod(space, 'brief', { script: '' });
    const pod = await podThat(space, 'brief', 'is restarted', (seen) =>
      expect(container(seen)?.restartCount).toBeGreaterThan(0),
    );
    // A kubelet keeps one dead container: once the second has ended, lastState can be empty for a moment.
    const { state, lastState } = container(pod) ?? {};
    expect(lastState?.terminated ?? state?.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
  });

  contract('a pod that is not restarted ends as Succeeded or Failed', async (space) => {
    await runPod(space, 'succeeds', { script: '', pod: ONCE });
    await runPod(space, 'fails', { script: 'process.exit(5)', pod: ONCE });
    await runPod(space, 'retries', { script: 'process.exit(1)', pod: { restartPolicy: 'OnFailure' } });
    const [succeeded, failed] = [await endedPod(space, 'succeeds'), await endedPod(space, 'fails')];
    expect([succeeded.status?.phase, failed.status?.phase]).toEqual(['Succeeded', 'Failed']);
    expect(container(failed)).toMatchObject({ restartCount: 0, state: { terminated: { exitCode: 5 } } });
    expect(succeeded.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Ready', status: 'False', reason: 'PodCompleted' }),
    );
    await podThat(space, 'retries', 'is restarted', (pod) =>
      expect(container(pod)?.restartCount).toBeGreaterThan(0),
    );
  });

  contract('a command that is not there: StartError', async (space) => {
    await runPod(space, 'commandless', { container: { command: ['/nope'] }, pod: ONCE });
    const pod = await endedPod(space, 'commandless');
    expect(container(pod)?.state?.terminated).toMatchObject({
      exitCode: 128,
      reason: 'StartError',
      message: expect.stringContaining('no such file or directory'),
    });
  });

  contract('the environment tells of the pod, and of itself', async (space) => {
    const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
    await runPod(space, 'told', {
      labels: { colour: 'green' },
      container: {
        env: [
          field('NAMESPACE', 'metadata.namespace'),
          field('UID', 'metadata.uid'),
          field('COLOUR', "metadata.labels['colour']"),
          field('NODE', 'spec.nodeName'),
          field('ACCOUNT', 'spec.serviceAccountName'),
          field('IP', 'status.podIP'),
          field('HOST', 'status.hostIP'),
          { name: 'GREETING', value: 'I am $(POD_NAME), $$(POD_NAME), $(NOBODY)' },
        ],
      },
    });
    const { metadata, spec, status } = await readyPod(space, 'told');
    expect(await agentIn(space, 'told').env()).toMatchObject({
      POD_NAME: 'told',
      NAMESPACE: space.name,
      UID: metadata?.uid,
      COLOUR: 'green',
      NODE: spec?.nodeName,
      ACCOUNT: 'default',
      IP: status?.podIP,
      HOST: status?.hostIP,
      GREETING: 'I am told, $(POD_NAME), $(NOBODY)',
    });
  });

  contract('arguments are expanded, and follow the command', async (space) => {
    const script = 'console.log(process.argv.slice(1).join())';
    await runPod(space, 'arguments', {
      container: { command: ['node', '-e', script], args: ['$(POD_NAME)', 'two words', '$$(X)'] },
      pod: ONCE,
    });
    await endedPod(space, 'arguments');
    expect(await logOf(space, 'arguments')).toBe('arguments,two words,$(X)\n');
  });

  contract('ConfigMaps and Secrets are given as environment and as files', async (space) => {
    await space.create('configmaps', {
      metadata: { name: 'given' },
      data: { a: '1', b: '2', 'c.txt': 'three' },
    });
    await space.create('secrets', { metadata: { name: 'given' }, stringData: { word: 'hush' } });
    const volumes: V1Volume[] = [
      { name: 'all', configMap: { name: 'given' } },
      { name: 'one', configMap: { name: 'given', items: [{ key: 'c.txt', path: 'deep/c' }] } },
      { name: 'secret', secret: { secretName: 'given' } },
    ];
    const ref = { name: 'given' };
    await runPod(space, 'given', {
      container: {
        env: [
          { name: 'A', valueFrom: { configMapKeyRef: { ...ref, key: 'a' } } },
          { name: 'WORD', valueFrom: { secretKeyRef: { ...ref, key: 'word' } } },
          { name: 'MAYBE', valueFrom: { configMapKeyRef: { ...ref, key: 'nope', optional: true } } },
        ],
        envFrom: [{ prefix: 'ALL_', configMapRef: ref }],
        volumeMounts: volumes.map(({ name }) => ({ name, mountPath: `/mnt/${name}`, readOnly: true })),
      },
      pod: { volumes },
    });
    await readyPod(space, 'given');
    const agent = agentIn(space, 'given');
    const env = await agent.env();
    expect(env).toMatchObject({ A: '1', WORD: 'hush', ALL_a: '1', ALL_b: '2' });
    expect(env).not.toHaveProperty('MAYBE');
    expect(await agent.file('/mnt/all/a')).toBe('1');
    expect(await agent.file('/mnt/all/c.txt')).toBe('three');
    expect(await agent.file('/mnt/one/deep/c')).toBe('three');
    expect(await agent.file('/mnt/one/a')).toBe('ENOENT');
    expect(await agent.file('/mnt/secret/word')).toBe('hush');
  });

  contract('files of a volume have the modes that are asked for', async (space) => {
    await space.create('secrets', { metadata: { name: 'modes' }, stringData: { a: '1', b: '2' } });
    const fieldRef = { fieldPath: 'metadata.name' };
    const items = [
      { key: 'a', path: 'a' },
      { key: 'b', path: 'b', mode: 0o404 },
    ];
    const volumes: V1Volume[] = [
      { name: 'secret', secret: { secretName: 'modes', defaultMode: 0o440, items } },
      { name: 'plain', secret: { secretName: 'modes' } },
      {
        name: 'both',
        projected: {
          defaultMode: 0o444,
          sources: [
            { secret: { name: 'modes' } },
            { downwardAPI: { items: [{ path: 'c', fieldRef, mode: 0o604 }] } },
          ],
        },
      },
    ];
    const files = ['secret/a', 'secret/b', 'plain/a', 'both/b', 'both/c'];
    const script = `const modeOf = (file) => (fs.statSync('/mnt/' + file).mode & 0o777).toString(8);
      console.log(${JSON.stringify(files)}.map(modeOf).join());`;
    await runPod(space, 'modes', {
      script,
      container: { volumeMounts: volumes.map(({ name }) => ({ name, mountPath: `/mnt/${name}` })) },
      pod: { ...ONCE, volumes },
    });
    await endedPod(space, 'modes');
    expect(await logOf(space, 'modes')).toBe('440,404,644,444,604\n');
  });

  contract(
    'files of a volume follow the ConfigMap, and the pod’s own labels',
    async (space) => {
      await space.create('configmaps', { metadata: { name: 'follow' }, data: { a: 'old', gone: 'x' } });
      const fieldRef = { fieldPath: "metadata.labels['state']" };
      const volumes: V1Volume[] = [
        { name: 'map', configMap: { name: 'follow' } },
        { name: 'pod', downwardAPI: { items: [{ path: 'state', fieldRef }] } },
      ];
      await runPod(space, 'follow', {
        labels: { state: 'old' },
        container: { volumeMounts: volumes.map(({ name }) => ({ name, mountPath: `/mnt/${name}` })) },
        pod: { volumes },
      });
      await readyPod(space, 'follow');
      const agent = agentIn(space, 'follow');
      expect(await agent.file('/mnt/pod/state')).toBe('old');
      await space.patch('configmaps', 'follow', { data: { a: 'newer', gone: null } });
      await space.patch('configmaps', 'follow', { data: { a: 'newest' } });
      await space.patch('pods', 'follow', { metadata: { labels: { state: 'new' } } });
      // The kubelet looks once a minute, or so.
      const follows = async () => {
        expect(await agent.file('/mnt/pod/state')).toBe('new');
        expect(await agent.file('/mnt/map/a')).toBe('newest');
        expect(await agent.file('/mnt/map/gone')).toBe('ENOENT');
      };
      await until('the files', follows, 200_000);
    },
    240_000,
  );

  contract('a pod of a service account that is not there is forbidden', async (space) => {
    const refused = await space.http('POST', space.path('pods'), {
      body: { metadata: { name: 'nobody' }, spec: podSpec(space, { pod: { serviceAccountName: 'nobody' } }) },
    });
    expect(refused.status).toBe(403);
    expect(refused.body.message).toBe(
      `pods "nobody" is forbidden: error looking up service account ${space.name}/nobody: serviceaccount "nobody" not found`,
    );
    await space.create(
      'deployments',
      deployment(space, 'nobodies', 1, { pod: { serviceAccountName: 'later' } }),
    );
    await until('the reason', async () => {
      const [set] = await space.list('replicasets', 'app=nobodies');
      const condition = set?.status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
      expect(condition?.message).toContain('serviceaccount "later" not found');
    });
    await space.create('serviceaccounts', { metadata: { name: 'later' } });
    await readyPods(space, 'nobodies', 1);
  });

  contract('what is missing keeps a container from starting, until it is there', async (space) => {
    const from = (key: string) => ({ name: 'X', valueFrom: { configMapKeyRef: { name: 'late', key } } });
    await runPod(space, 'late', { container: { env: [from('key')] } });
    expect(await waits(space, 'late', 'CreateContainerConfigError')).toBe('configmap "late" not found');
    await space.create('configmaps', { metadata: { name: 'late' }, data: { key: 'here' } });
    await runPod(space, 'keyless', { container: { env: [from('nope')] } });
    expect(await waits(space, 'keyless', 'CreateContainerConfigError')).toBe(
      `couldn't find key nope in ConfigMap ${space.name}/late`,
    );
    await eventOf(space, 'keyless', /Failed: Error: couldn't find key nope in ConfigMap/);
    await readyPod(space, 'late');
    expect(await agentIn(space, 'late').env()).toMatchObject({ X: 'here' });
  });

  contract('a volume of what is missing keeps a pod from being set up', async (space) => {
    await runPod(space, 'unmounted', {
      container: { volumeMounts: [{ name: 'v', mountPath: '/mnt/v' }] },
      pod: { volumes: [{ name: 'v', configMap: { name: 'nope' } }] },
    });
    await eventOf(
      space,
      'unmounted',
      /FailedMount: MountVolume\.SetUp failed for volume "v" : configmap "nope" not found/,
    );
    await waits(space, 'unmounted', 'ContainerCreating');
  });

  contract('a restarted container keeps its pod’s address', async (space) => {
    await runPod(space, 'steady', { script: 'setTimeout(() => process.exit(1), 1500)' });
    const address = (pod: V1Pod) => pod.status?.podIP;
    const before = await podThat(space, 'steady', 'runs', (pod) =>
      expect(container(pod)?.state?.running).toBeTruthy(),
    );
    const after = await podThat(space, 'steady', 'is restarted', (pod) =>
      expect(container(pod)?.restartCount).toBeGreaterThan(0),
    );
    expect(address(after)).toBe(address(before));
  });

  contract('pods of one Deployment have addresses of their own', async (space) => {
    await runDeployment(space, 'many', 4);
    const all = await readyPods(space, 'many', 4);
    expect(new Set(all.map(({ status }) => status?.podIP)).size).toBe(4);
    for (const { metadata, status } of all) {
      await until('an answer', async () =>
        expect((await agentIn(space, metadata?.name ?? '').who()).pod).toBe(metadata?.name),
      );
      expect(status?.podIP).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    }
  });
});
