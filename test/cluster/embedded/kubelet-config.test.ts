import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { useKubelet } from './kubelet-harness.ts';

const lab = useKubelet(1);
const waiting = (name: string) => lab.status(name)?.state?.waiting;
const base64 = (data: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
const configMap = (name: string, data: Record<string, string>) =>
  lab.store.create('configmaps', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'ns' },
    data,
  });
const secret = (name: string, data: Record<string, string>) =>
  lab.store.create('secrets', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: 'ns' },
    data: base64(data),
  });
const printEnv = 'console.log(JSON.stringify(process.env)); setInterval(() => {}, 1000)';
const envOf = async (name: string) =>
  JSON.parse(await lab.logged(name, '\n')) as Record<string, string | undefined>;

it('gives a pod its own environment and nothing of the machine', async () => {
  process.env.OF_THE_HOST = 'secret';
  await lab.script('clean', printEnv);
  expect(await envOf('clean')).toEqual({
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/home/node',
    HOSTNAME: 'clean',
    NODE_ENV: 'production',
    NODE_VERSION: process.versions.node,
    GRPC_KIND_LAB_CLUSTER: lab.clusterId,
    GRPC_KIND_LAB_CONTAINER: lab.status('clean')?.containerID?.replace('containerd://', ''),
    KUBERNETES_SERVICE_HOST: '127.201.0.1',
    KUBERNETES_SERVICE_PORT: '6443',
    KUBERNETES_SERVICE_PORT_HTTPS: '6443',
    KUBERNETES_PORT: 'tcp://127.201.0.1:6443',
    KUBERNETES_PORT_6443_TCP: 'tcp://127.201.0.1:6443',
    KUBERNETES_PORT_6443_TCP_PROTO: 'tcp',
    KUBERNETES_PORT_6443_TCP_PORT: '6443',
    KUBERNETES_PORT_6443_TCP_ADDR: '127.201.0.1',
  });
});

it('takes variables from the pod, from ConfigMaps and from Secrets', async () => {
  configMap('settings', { ONE: '1', other: 'two' });
  secret('keys', { KEY: 'hidden' });
  lab.store.create('services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'my-server', namespace: 'ns' },
    spec: { clusterIP: '127.201.240.77', ports: [{ name: 'grpc', port: 50051 }] },
  });
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const container = {
    command: ['node', '-e', printEnv],
    envFrom: [
      { configMapRef: { name: 'settings' }, prefix: 'C_' },
      { secretRef: { name: 'keys' } },
      { configMapRef: { name: 'none', optional: true } },
    ],
    env: [
      field('NAME', 'metadata.name'),
      field('NAMESPACE', 'metadata.namespace'),
      field('POD_UID', 'metadata.uid'),
      field('LABEL', "metadata.labels['app.kubernetes.io/name']"),
      field('NOTE', "metadata.annotations['note']"),
      field('NODE', 'spec.nodeName'),
      field('ACCOUNT', 'spec.serviceAccountName'),
      field('IP', 'status.podIP'),
      field('IPS', 'status.podIPs'),
      field('HOST', 'status.hostIP'),
      { name: 'FROM_MAP', valueFrom: { configMapKeyRef: { name: 'settings', key: 'other' } } },
      { name: 'FROM_SECRET', valueFrom: { secretKeyRef: { name: 'keys', key: 'KEY' } } },
      { name: 'NOT_THERE', valueFrom: { secretKeyRef: { name: 'keys', key: 'no', optional: true } } },
      { name: 'KEY', value: '$(C_ONE)-$(MY_SERVER_SERVICE_HOST)' },
    ],
  };
  const metadata = { labels: { 'app.kubernetes.io/name': 'x' }, annotations: { note: 'a note' } };
  await lab.pod('all', container, { serviceAccountName: 'account' }, metadata);
  await lab.running('all');
  const { podIP, hostIP } = lab.get('all').status ?? {};
  const env = await envOf('all');
  expect(env).toMatchObject({
    NAME: 'all',
    NAMESPACE: 'ns',
    POD_UID: lab.get('all').metadata.uid,
    LABEL: 'x',
    NOTE: 'a note',
    NODE: 'worker',
    ACCOUNT: 'account',
    IP: podIP,
    IPS: podIP,
    HOST: hostIP,
    FROM_MAP: 'two',
    FROM_SECRET: 'hidden',
    C_ONE: '1',
    C_other: 'two',
    KEY: '1-127.201.240.77',
    MY_SERVER_SERVICE_HOST: '127.201.240.77',
    MY_SERVER_SERVICE_PORT: '50051',
    MY_SERVER_SERVICE_PORT_GRPC: '50051',
    MY_SERVER_PORT: 'tcp://127.201.240.77:50051',
  });
  expect(env).not.toHaveProperty('NOT_THERE');
  await lab.pod('unlinked', { command: ['node', '-e', printEnv] }, { enableServiceLinks: false });
  const unlinked = await envOf('unlinked');
  expect(unlinked).toHaveProperty('KUBERNETES_SERVICE_HOST');
  expect(unlinked).not.toHaveProperty('MY_SERVER_SERVICE_HOST');
});

it.each([
  ['secret', { secretKeyRef: { name: 'later', key: 'a' } }, 'secret "later" not found'],
  ['map', { configMapKeyRef: { name: 'later', key: 'a' } }, 'configmap "later" not found'],
])('waits for a %s that its environment needs', async (kind, valueFrom, message) => {
  const name = `waits-for-${kind}`;
  await lab.script(name, printEnv, { env: [{ name: 'A', valueFrom }] });
  await lab.until(name, () => waiting(name)?.reason === 'CreateContainerConfigError');
  expect(waiting(name)?.message).toBe(message);
  expect(lab.events(name)).toContain(`Failed: Error: ${message}`);
  if (kind === 'secret') secret('later', {});
  else configMap('later', {});
  const then = `couldn't find key a in ${kind === 'secret' ? 'Secret' : 'ConfigMap'} ns/later`;
  await lab.until(name, () => waiting(name)?.message === then);
  lab.store.update(kind === 'secret' ? 'secrets' : 'configmaps', 'ns', 'later', (object) => ({
    ...object,
    data: kind === 'secret' ? base64({ a: 'now' }) : { a: 'now' },
  }));
  expect((await envOf(name)).A).toBe('now');
});

it('mounts ConfigMaps, Secrets, the pod itself and folders of its own', async () => {
  configMap('files', { 'a.txt': 'A', 'b.txt': 'B' });
  secret('hidden', { key: 'K' });
  const volumes = [
    { name: 'map', configMap: { name: 'files' } },
    { name: 'some', configMap: { name: 'files', items: [{ key: 'a.txt', path: 'deep/er.txt' }] } },
    { name: 'secret', secret: { secretName: 'hidden' } },
    { name: 'none', configMap: { name: 'no', optional: true } },
    { name: 'empty', emptyDir: {} },
    { name: 'pod', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
    {
      name: 'both',
      projected: { sources: [{ configMap: { name: 'files' } }, { secret: { name: 'hidden' } }] },
    },
  ];
  const volumeMounts = volumes.map(({ name }) => ({ name, mountPath: `/mnt/${name}` }));
  const program = `
    import { readFileSync, readdirSync, writeFileSync, createReadStream, existsSync } from 'node:fs';
    import { readFile } from 'node:fs/promises';
    import { text } from 'node:stream/consumers';
    writeFileSync('/mnt/empty/x', 'X');
    console.log(JSON.stringify({
      sync: readFileSync('/mnt/map/a.txt', 'utf8'),
      promise: await readFile('/mnt/map/b.txt', 'utf8'),
      stream: await text(createReadStream('/mnt/secret/key')),
      items: readdirSync('/mnt/some/deep'),
      hidden: readdirSync('/mnt/map').filter((name) => !name.startsWith('..')),
      none: readdirSync('/mnt/none').filter((name) => !name.startsWith('..')),
      empty: readdirSync(new URL('file:///mnt/empty')),
      labels: readFileSync('/mnt/pod/labels', 'utf8'),
      both: readdirSync('/mnt/both').filter((name) => !name.startsWith('..')),
      app: existsSync('/app/main.js'),
      other: existsSync('/mnt/other'),
      resolv: readFileSync('/etc/resolv.conf', 'utf8'),
    }));
    setInterval(() => {}, 1000);`;
  await lab.image(program, 'lab/reader:1');
  await lab.pod('mounts', { image: 'lab/reader:1', volumeMounts }, { volumes }, { labels: { a: 'b' } });
  expect(JSON.parse(await lab.logged('mounts', '\n'))).toEqual({
    sync: 'A',
    promise: 'B',
    stream: 'K',
    items: ['er.txt'],
    hidden: ['a.txt', 'b.txt'],
    none: [],
    empty: ['x'],
    labels: 'a="b"',
    both: ['a.txt', 'b.txt', 'key'],
    app: true,
    other: false,
    resolv:
      'search ns.svc.cluster.local svc.cluster.local cluster.local\nnameserver 127.201.240.10\noptions ndots:5\n',
  });
});

it('brings changes of a mounted ConfigMap into the running pod', async () => {
  configMap('live', { a: 'old', gone: 'x' });
  const volumes = [{ name: 'v', configMap: { name: 'live' } }];
  const show =
    'setInterval(() => console.log(fs.readdirSync("/v").filter((f) => f[0] !== ".").join(), fs.readFileSync("/v/a", "utf8")), 20)';
  await lab.script('live', show, { volumeMounts: [{ name: 'v', mountPath: '/v/' }] }, { volumes });
  await lab.logged('live', 'a,gone old\n');
  lab.store.update('configmaps', 'ns', 'live', (map) => ({ ...map, data: { a: 'new', more: 'y' } }));
  await lab.logged('live', 'a,more new\n');
});

it('misses no change that comes while the volumes are being made', async () => {
  configMap('early', { a: 'old' });
  // Takes its time after the other.
  configMap('many', Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`key-${index}`, ''])));
  const volumes = ['early', 'many'].map((name) => ({ name, configMap: { name } }));
  const show = 'setInterval(() => console.log(fs.readFileSync("/v/a", "utf8")), 20)';
  await lab.script('hasty', show, { volumeMounts: [{ name: 'early', mountPath: '/v' }] }, { volumes });
  const folder = join(lab.dir, 'pods', lab.get('hasty').metadata.uid, 'volumes');
  while (!existsSync(join(folder, 'early/..data'))) await new Promise((resolve) => setImmediate(resolve));
  lab.store.update('configmaps', 'ns', 'early', (map) => ({ ...map, data: { a: 'new' } }));
  expect(lab.get('hasty').status?.podIP).toBeUndefined();
  await lab.logged('hasty', 'new\n');
});

it('brings the labels and annotations of a pod into its files when they change', async () => {
  const items = ['labels', 'annotations'].map((path) => ({
    path,
    fieldRef: { fieldPath: `metadata.${path}` },
  }));
  const volumes = [{ name: 'v', downwardAPI: { items } }];
  const show = `setInterval(() => console.log(['labels', 'annotations'].map((f) => fs.readFileSync('/v/' + f, 'utf8')).join()), 20)`;
  await lab.script('marked', show, { volumeMounts: [{ name: 'v', mountPath: '/v' }] }, { volumes });
  await lab.logged('marked', '\n,\n');
  const mark = (more: object) =>
    lab.store.update('pods', 'ns', 'marked', (pod) => ({ ...pod, metadata: { ...pod.metadata, ...more } }));
  mark({ labels: { a: '1' } });
  await lab.logged('marked', 'a="1",\n');
  mark({ annotations: { b: '2' } });
  await lab.logged('marked', 'a="1",b="2"\n');
});

it('keeps a pod’s files from other users of the machine', async () => {
  await lab.pod('private');
  await lab.running('private');
  const folder = join(lab.dir, 'pods', lab.get('private').metadata.uid);
  expect((statSync(folder).mode & 0o777).toString(8)).toBe('700');
});

it('waits for the volume of a ConfigMap that is not there, and says so', async () => {
  const volumes = [{ name: 'v', configMap: { name: 'late', items: [{ key: 'a', path: 'a' }] } }];
  await lab.pod('late', { volumeMounts: [{ name: 'v', mountPath: '/v' }] }, { volumes });
  const said = 'MountVolume.SetUp failed for volume "v" : configmap "late" not found';
  await lab.until('late', () => lab.events('late').some((event) => event.startsWith(`FailedMount: ${said}`)));
  expect(waiting('late')?.reason).toBe('ContainerCreating');
  const pod = lab.get('late');
  expect(pod.status?.podIP).toBeUndefined();
  expect(pod.status?.conditions?.[0]).toMatchObject({ type: 'PodReadyToStartContainers', status: 'False' });
  configMap('late', {});
  const noKey = 'configmap references non-existent config key: a';
  await lab.until('late', () => lab.events('late').some((event) => event.includes(noKey)));
  lab.store.update('configmaps', 'ns', 'late', (map) => ({ ...map, data: { a: '1' } }));
  await lab.ready('late');
});

const TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount';
it('mounts the token of the service account, unless the pod or the account says no', async () => {
  const account = (name: string, more: object = {}) =>
    lab.store.create('serviceaccounts', {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name, namespace: 'ns' },
      ...more,
    });
  account('with');
  account('without', { automountServiceAccountToken: false });
  const show = `const dir = '${TOKEN}'; console.log(fs.existsSync(dir)
    && ['token', 'ca.crt', 'namespace'].map((f) => fs.readFileSync(dir + '/' + f, 'utf8')).join()); setInterval(() => {}, 1000)`;
  await lab.script('token', show, {}, { serviceAccountName: 'with' });
  await lab.script('not-by-account', show, {}, { serviceAccountName: 'without' });
  await lab.script(
    'not-by-pod',
    show,
    {},
    { serviceAccountName: 'with', automountServiceAccountToken: false },
  );
  await lab.script('by-pod', show, {}, { serviceAccountName: 'without', automountServiceAccountToken: true });
  await lab.logged('token', 'token-of-ns-with,the-ca,ns\n');
  await lab.logged('not-by-account', 'false\n');
  await lab.logged('not-by-pod', 'false\n');
  await lab.logged('by-pod', 'token-of-ns-without,the-ca,ns\n');
});
