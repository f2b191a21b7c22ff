import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createBackOff, goDuration } from '../../../scripts/cluster/embedded/kubelet/waiting.ts';
import { useKubelet } from './kubelet-harness.ts';

const lab = useKubelet(0);
const terminated = (name: string) => lab.status(name)?.state?.terminated;
const waiting = (name: string) => lab.status(name)?.state?.waiting;
const lastEnd = (name: string) => lab.status(name)?.lastState?.terminated;

it('runs the program of an image, tells how it is, and leaves nothing when it is deleted', async () => {
  await lab.image(
    'process.on("SIGTERM", () => process.exit(0)); console.log("up"); setInterval(() => {}, 1000)',
    'lab/server:dev',
  );
  await lab.pod('server', { image: 'lab/server:dev' });
  await lab.ready('server');
  await lab.logged('server', 'up');
  const pod = lab.get('server');
  expect(pod.status).toMatchObject({
    phase: 'Running',
    hostIP: '127.201.1.1',
    podIPs: [{ ip: pod.status?.podIP }],
    conditions: [
      { type: 'PodReadyToStartContainers', status: 'True' },
      { type: 'Initialized', status: 'True' },
      { type: 'Ready', status: 'True' },
      { type: 'ContainersReady', status: 'True' },
      { type: 'PodScheduled', status: 'True' },
    ],
  });
  expect(pod.status?.startTime).toMatch(/^20.*Z$/);
  expect(lab.status('server')).toMatchObject({
    name: 'main',
    ready: true,
    started: true,
    restartCount: 0,
    image: 'docker.io/lab/server:dev',
    imageID: expect.stringMatching(/^docker\.io\/lab\/server@sha256:[0-9a-f]{64}$/),
    containerID: expect.stringMatching(/^containerd:\/\/[0-9a-f]{64}$/),
    lastState: {},
  });
  expect(lab.events('server').sort()).toEqual([
    'Created: Created container: main',
    'Pulled: Container image "lab/server:dev" already present on machine',
    'Started: Started container main',
  ]);
  const phases: (string | undefined)[] = [];
  const ready: (string | undefined)[] = [];
  const unlisten = lab.store.listen(({ resource, object }) => {
    if (resource !== 'pods') return;
    const { status } = object as typeof pod;
    phases.push(status?.phase);
    ready.push(status?.conditions?.find(({ type }) => type === 'Ready')?.status);
  });
  lab.remove('server', 30);
  await lab.gone('server');
  unlisten();
  expect(phases.at(-1)).toBe('Succeeded');
  expect(ready.at(-1)).toBe('False');
  expect(lab.processes(`GRPC_KIND_LAB_CLUSTER=${lab.clusterId}`)).toEqual([]);
  expect(lab.events('server')).toContain('Killing: Stopping container main');
});

it('shows a pod that waits, before it runs', async () => {
  const seen: string[] = [];
  lab.store.listen(({ resource, object }) => {
    if (resource !== 'pods') return;
    const { status } = object as ReturnType<typeof lab.get>;
    const unready = status?.conditions?.find(({ type }) => type === 'Ready');
    seen.push(
      `${status?.phase} ${status?.containerStatuses?.[0]?.state?.waiting?.reason} ${unready?.reason} ${unready?.message}`,
    );
  });
  await lab.pod('early');
  await lab.ready('early');
  expect(seen).toContain(
    'Pending ContainerCreating ContainersNotReady containers with unready status: [main]',
  );
});

it('starts what has ended again: at once, then after ten seconds, and says so', async () => {
  await lab.script('crashes', 'console.error("no"); process.exit(3)');
  await lab.until('crashes', () => waiting('crashes')?.reason === 'CrashLoopBackOff');
  const { uid } = lab.get('crashes').metadata;
  const pod = `crashes_ns(${uid})`;
  expect(waiting('crashes')?.message).toBe(`back-off 10s restarting failed container=main pod=${pod}`);
  expect(lab.status('crashes')).toMatchObject({ restartCount: 1, ready: false, started: false });
  expect(lastEnd('crashes')).toMatchObject({
    exitCode: 3,
    reason: 'Error',
    containerID: lab.status('crashes')?.containerID,
  });
  expect(lab.get('crashes').status?.phase).toBe('Running');
  expect(lab.events('crashes')).toContain(`BackOff: Back-off restarting failed container main in pod ${pod}`);
  expect(lab.events('crashes')).toContain('Started: Started container main (x2)');
});

it('with restartPolicy Always starts what has ended well again, too', async () => {
  await lab.script('ends-well', 'process.exit(0)');
  await lab.until('ends-well', () => waiting('ends-well')?.reason === 'CrashLoopBackOff');
  expect(lastEnd('ends-well')).toMatchObject({ exitCode: 0, reason: 'Completed' });
});

it('backs off for 10 s, 20 s … 5 min, and forgets after ten minutes of running', () => {
  const crashes = createBackOff();
  let now = 0;
  const waits = Array.from({ length: 8 }, () => {
    const wait = crashes.next(now, { atOnce: true });
    now += wait + 1000;
    return wait / 1000;
  });
  expect(waits).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
  expect(crashes.next(now + 590_000, { atOnce: true })).toBe(300_000);
  expect(crashes.next(now + 590_000 + 300_000 + 610_000, { atOnce: true })).toBe(0);
  expect([10_000, 80_000, 300_000].map(goDuration)).toEqual(['10s', '1m20s', '5m0s']);
});

it.each([
  ['process.exit(0)', 0, 'Completed', 'Succeeded', 'PodCompleted'],
  ['process.exit(7)', 7, 'Error', 'Failed', 'PodFailed'],
  ['process.kill(process.pid, "SIGSEGV")', 139, 'Error', 'Failed', 'PodFailed'],
])('with restartPolicy Never leaves %s as it ended', async (script, exitCode, reason, phase, why) => {
  await lab.script('once', script, {}, { restartPolicy: 'Never' });
  await lab.until('once', (pod) => pod.status?.phase === phase);
  expect(terminated('once')).toMatchObject({ exitCode, reason });
  expect(lab.get('once').status?.conditions).toMatchObject([
    { type: 'PodReadyToStartContainers', status: 'False' },
    { type: 'Initialized', status: 'True' },
    { type: 'Ready', status: 'False', reason: why },
    { type: 'ContainersReady', status: 'False', reason: why },
    { type: 'PodScheduled', status: 'True' },
  ]);
  lab.remove('once', 0);
  await lab.gone('once');
});

it('with restartPolicy OnFailure starts only what has failed again', async () => {
  const restarts = { restartPolicy: 'OnFailure' };
  await lab.script('fails', 'process.exit(1)', {}, restarts);
  await lab.script('ends', 'process.exit(0)', {}, restarts);
  await lab.until('fails', () => waiting('fails')?.reason === 'CrashLoopBackOff');
  await lab.until('ends', (pod) => pod.status?.phase === 'Succeeded');
  expect(lab.status('ends')?.restartCount).toBe(0);
});

it('can run nothing but Node, and says of the rest what runc does', async () => {
  await lab.pod('shell', { command: ['sh', '-c', 'true'] }, { restartPolicy: 'Never' });
  await lab.until('shell', () => terminated('shell') !== undefined);
  const message =
    'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: ' +
    'unable to start container process: error during container init: exec: "sh": executable file not found in $PATH: unknown';
  expect(terminated('shell')).toMatchObject({
    exitCode: 128,
    reason: 'StartError',
    message,
    startedAt: '1970-01-01T00:00:00Z',
  });
  expect(lab.events('shell')).toContain(`Failed: Error: ${message}`);
  await lab.pod('loops', { command: ['/bin/foo'] });
  await lab.until('loops', () => waiting('loops')?.reason === 'CrashLoopBackOff');
  expect(lastEnd('loops')).toMatchObject({ reason: 'StartError', exitCode: 128 });
});

it('takes arguments as the image does, and expands variables in them', async () => {
  await lab.image('console.log(process.argv.slice(2).join(" ")); setInterval(() => {}, 1000)', 'lab/echo:1');
  const env = [
    { name: 'ONE', value: 'first' },
    { name: 'TWO', value: '$(ONE)-$$(ONE)-$(NONE)' },
  ];
  const image = 'lab/echo:1';
  await lab.pod('args', { image, args: ['/app/main.js', '$(TWO)', '$$(TWO)', '$(NONE)'], env });
  await lab.pod('command', { image, command: ['/usr/local/bin/node'], args: ['/app/main.js', 'b'], env });
  await lab.pod('eval', { image, args: ['-e', 'console.log("evaluated", process.env.TWO)'], env });
  await lab.logged('args', 'first-$(ONE)-$(NONE) $(TWO) $(NONE)\n');
  await lab.logged('command', 'b\n');
  await lab.logged('eval', 'evaluated first-$(ONE)-$(NONE)\n');
});

it('runs init containers one after the other before the others', async () => {
  const say = (name: string, script: string) => ({
    name,
    image: 'lab/program:1',
    command: ['node', '-e', script],
  });
  const initContainers = [
    say('one', 'fs.writeFileSync("/shared/one", "1"); setTimeout(() => {}, 100)'),
    say('two', 'console.log(fs.readFileSync("/shared/one", "utf8"))'),
  ].map((container) => ({ ...container, volumeMounts: [{ name: 'shared', mountPath: '/shared' }] }));
  const states: string[] = [];
  lab.store.listen(({ resource, object }) => {
    if (resource !== 'pods') return;
    const { status } = object as ReturnType<typeof lab.get>;
    const initialized = status?.conditions?.find(({ type }) => type === 'Initialized');
    states.push(`${status?.containerStatuses?.[0]?.state?.waiting?.reason} ${initialized?.message}`);
  });
  await lab.pod('init', {}, { initContainers, volumes: [{ name: 'shared', emptyDir: {} }] });
  await lab.ready('init');
  expect(await lab.logs('init', { container: 'two' })).toBe('1\n');
  expect(states).toContain('PodInitializing containers with incomplete status: [one two]');
  expect(states).toContain('PodInitializing containers with incomplete status: [two]');
  expect(lab.get('init').status?.initContainerStatuses).toMatchObject([
    { name: 'one', state: { terminated: { reason: 'Completed' } } },
    { name: 'two', state: { terminated: { reason: 'Completed' } } },
  ]);
});

it('does not start the others when an init container fails for good', async () => {
  const initContainers = [
    { name: 'one', image: 'lab/program:1', command: ['node', '-e', 'process.exit(2)'] },
  ];
  await lab.pod('init-fails', {}, { initContainers, restartPolicy: 'Never' });
  await lab.until('init-fails', (pod) => pod.status?.phase === 'Failed');
  expect(lab.status('init-fails', 'main')?.state?.waiting?.reason).toBe('PodInitializing');
});

it('waits for a place to write, and has not failed before', async () => {
  const phases = new Set<string | undefined>();
  const unlisten = lab.store.listen(({ resource, object }) => {
    if (resource === 'pods') phases.add((object as ReturnType<typeof lab.get>).status?.phase);
  });
  const folder = join(lab.dir, 'pods');
  writeFileSync(folder, 'in the way');
  await lab.pod('homeless');
  const said = 'FailedCreatePodSandBox: Failed to create pod sandbox: ENOTDIR';
  await lab.until('homeless', () => lab.events('homeless').some((event) => event.startsWith(said)));
  rmSync(folder);
  await lab.running('homeless');
  unlisten();
  expect([...phases]).toEqual(['Pending', 'Running']);
});

it('tries again to make what the machine refuses, and takes nobody’s turn meanwhile', async () => {
  const refused = Array.from({ length: 6 }, (_, index) => `refused-${index}`);
  for (const name of refused) {
    await lab.pod(name, {}, { restartPolicy: 'Never' });
    const logs = join(lab.dir, 'pods', lab.get(name).metadata.uid, 'logs');
    mkdirSync(logs, { recursive: true });
    writeFileSync(join(logs, 'main'), 'in the way');
  }
  for (const name of refused) await lab.until(name, () => waiting(name)?.reason === 'CreateContainerError');
  expect(waiting('refused-0')?.message).toMatch(/^EEXIST/);
  expect(lab.events('refused-0').join('\n')).toMatch(/^Failed: Error: EEXIST/m);
  await lab.pod('next');
  await lab.running('next');
  expect(lab.get('refused-0').status?.phase).toBe('Pending');
  for (const name of refused) rmSync(join(lab.dir, 'pods', lab.get(name).metadata.uid, 'logs/main'));
  // A change of any ConfigMap in the namespace is a reason to try again.
  lab.store.create('configmaps', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'x', namespace: 'ns' },
  });
  for (const name of refused) await lab.running(name);
});

it('starts the others when there is no address for one', async () => {
  const { allocatePod } = lab.addresses;
  lab.addresses.allocatePod = () => {
    lab.addresses.allocatePod = allocatePod;
    throw new Error('no address is left');
  };
  await lab.pod('unlucky');
  await lab.pod('lucky');
  await lab.running('lucky');
  expect(lab.get('unlucky').status?.phase).toBe('Pending');
  expect(lab.complaints()).toEqual(['pod unlucky: no address is left']);
  // It gets one at its next change.
  lab.store.update('pods', 'ns', 'unlucky', (pod) => ({
    ...pod,
    metadata: { ...pod.metadata, labels: { a: 'b' } },
  }));
  await lab.running('unlucky');
});

it('takes what a program says of its end, or the end of its log', async () => {
  const policy = { terminationMessagePolicy: 'FallbackToLogsOnError' };
  const never = { restartPolicy: 'Never' };
  await lab.script('says', 'fs.writeFileSync("/dev/termination-log", "because"); process.exit(1)', {}, never);
  await lab.script('logs', 'console.log("a"); console.error("b"); process.exitCode = 1', policy, never);
  await lab.until('says', () => terminated('says') !== undefined);
  await lab.until('logs', () => terminated('logs') !== undefined);
  expect(terminated('says')?.message).toBe('because');
  expect(terminated('logs')?.message).toMatch(/^(a\nb|b\na)\n$/);
});
