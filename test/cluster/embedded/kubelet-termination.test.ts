import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { useKubelet } from './kubelet-harness.ts';

const stuck = vi.hoisted(() => new Set<string>());
vi.mock('../../../scripts/cluster/embedded/kubelet/remove-folder.ts', async (original) => {
  const { removeFolder } = (await original()) as { removeFolder: (dir: string) => Promise<void> };
  return {
    removeFolder: (dir: string) =>
      [...stuck].some((uid) => dir.endsWith(uid))
        ? Promise.reject(new Error('EBUSY: busy'))
        : removeFolder(dir),
  };
});

const lab = useKubelet(3);
const ours = () => lab.processes(`GRPC_KIND_LAB_CLUSTER=${lab.clusterId}`);
const alive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
/** How its container ended, by the last that was seen of it. */
async function endOf(name: string, remove: () => void) {
  let last = lab.status(name)?.state?.terminated;
  const unlisten = lab.store.listen(({ resource, object }) => {
    if (resource !== 'pods' || object.metadata.name !== name) return;
    last = (object as ReturnType<typeof lab.get>).status?.containerStatuses?.[0]?.state?.terminated;
  });
  remove();
  await lab.gone(name);
  unlisten();
  return last;
}

it('lets a program end by itself on SIGTERM', async () => {
  const script = `process.on('SIGTERM', () => setTimeout(() => process.exit(5), 100)); console.log('up'); setInterval(() => {}, 1000)`;
  await lab.script('polite', script);
  await lab.logged('polite', 'up');
  expect(await endOf('polite', () => lab.remove('polite', 30))).toMatchObject({
    exitCode: 5,
    reason: 'Error',
  });
});

it('kills one without a handler when its grace is over: SIGTERM does nothing to pid 1', async () => {
  await lab.script('deaf', 'console.log("up"); setInterval(() => {}, 1000)');
  await lab.logged('deaf', 'up');
  const started = performance.now();
  expect(await endOf('deaf', () => lab.remove('deaf', 1))).toMatchObject({ exitCode: 137, reason: 'Error' });
  expect(performance.now() - started).toBeGreaterThan(990);
});

it.each(['SIGTERM', 'SIGINT'])(
  'gives %s back to nobody when the program takes its handler away',
  async (signal) => {
    const script = `
    const once = () => console.log('heard'); process.once('${signal}', once);
    console.log('counts', process.listenerCount('${signal}'));
    setInterval(() => console.log('lives'), 20); console.log('pid', process.pid)`;
    await lab.script('once', script);
    const log = await lab.logged('once', 'lives');
    const pid = Number(log.match(/pid (\d+)/)?.[1]);
    process.kill(pid, signal);
    await lab.logged('once', 'heard');
    process.kill(pid, signal);
    await lab.logged('once', /heard\n(lives\n){10}/);
    expect(lab.status('once')?.restartCount).toBe(0);
  },
);

it('kills at once when it is deleted with no grace, or without a word', async () => {
  const stays =
    'process.on("SIGTERM", () => console.log("told")); console.log("up"); setInterval(() => {}, 1000)';
  await lab.script('forced', stays);
  await lab.script('lost', stays);
  await lab.logged('forced', 'up');
  await lab.logged('lost', 'up');
  expect(await endOf('forced', () => lab.remove('forced', 0))).toMatchObject({ exitCode: 137 });
  lab.store.remove('pods', 'ns', 'lost');
  await eventually(() => ours().length === 0, ours);
});

it('ends sooner when it is deleted again with less grace', async () => {
  await lab.script(
    'hurried',
    'process.on("SIGTERM", () => console.log("told")); console.log("up"); setInterval(() => {}, 1000)',
  );
  await lab.logged('hurried', 'up');
  lab.remove('hurried', 300);
  await lab.logged('hurried', 'told');
  expect(await endOf('hurried', () => lab.remove('hurried', 0))).toMatchObject({ exitCode: 137 });
});

it.each([
  ['exec', { exec: { command: ['node', '-e', 'fetch("http://localhost:8080/hook")'] } }],
  ['httpGet', { httpGet: { path: '/hook', port: 8080 } }],
  ['sleep', { sleep: { seconds: 1 } }],
])('runs a preStop hook (%s) before SIGTERM', async (kind, preStop) => {
  const script = `
    require('http').createServer((q, r) => { console.log('hook'); r.end(); }).listen(8080, () => console.log('up'));
    process.on('SIGTERM', () => { console.log('SIGTERM'); setTimeout(process.exit, 200); })`;
  const name = `hook-${kind.toLowerCase()}`;
  await lab.script(name, script, { lifecycle: { preStop } });
  await lab.logged(name, 'up');
  const asked = performance.now();
  const lines = (await lab.stream(name, { follow: true }))?.toArray();
  lab.remove(name, 30);
  await lab.gone(name);
  const log = Buffer.concat((await lines) ?? []).toString();
  expect(log).toBe(kind === 'sleep' ? 'up\nSIGTERM\n' : 'up\nhook\nSIGTERM\n');
  if (kind === 'sleep') expect(performance.now() - asked).toBeGreaterThan(1000);
});

it('says when a preStop hook fails, and goes on', async () => {
  const preStop = { exec: { command: ['node', '-e', 'process.exit(1)'] } };
  await lab.script(
    'hook-fails',
    'process.on("SIGTERM", () => process.exit(0)); console.log("up"); setInterval(() => {}, 1000)',
    {
      lifecycle: { preStop },
    },
  );
  await lab.logged('hook-fails', 'up');
  expect(await endOf('hook-fails', () => lab.remove('hook-fails', 30))).toMatchObject({ exitCode: 0 });
  expect(lab.events('hook-fails')).toContain('FailedPreStopHook: PreStopHook failed');
});

it('leaves no child behind, wherever it has gone', async () => {
  const child = `setInterval(() => {}, 1000)`;
  const script = `
    const { spawn } = require('child_process');
    const start = (detached) => spawn(process.execPath, ['-e', '${child}'], { detached, stdio: 'inherit' }).pid;
    const bare = spawn('/bin/sleep', ['1000'], { detached: true, stdio: 'inherit' }).pid;
    const unmarked = spawn('/usr/bin/env', ['-i', '/bin/sleep', '1000'], { stdio: 'inherit' }).pid;
    console.log(start(false), start(true), bare, unmarked);
    process.on('SIGTERM', () => process.exit(0)); process.on('SIGUSR2', () => process.exit(3));
    console.log(process.pid, 'up')`;
  await lab.script('parent', script);
  const log = await lab.logged('parent', 'up');
  const [children = '', own = ''] = log.split('\n');
  const pids = children.split(' ').map(Number);
  expect(pids.map(alive)).toEqual([true, true, true, true]);
  process.kill(Number.parseInt(own, 10), 'SIGUSR2');
  await lab.until('parent', () => lab.status('parent')?.restartCount === 1);
  await eventually(
    () => !pids.some(alive),
    () => pids.filter(alive),
  );
  await lab.logged('parent', 'up');
  expect(await endOf('parent', () => lab.remove('parent', 30))).toMatchObject({ exitCode: 0 });
  expect(ours()).toEqual([]);
});

it('waits in the store for the finalizers of others', async () => {
  await lab.pod('held', {}, {}, { finalizers: ['example.com/hold'] });
  await lab.running('held');
  lab.remove('held', 0);
  await lab.until('held', (pod) => pod.status?.phase === 'Failed');
  await eventually(() => ours().length === 0, ours);
  const folder = join(lab.dir, 'pods', lab.get('held').metadata.uid);
  await eventually(() => !existsSync(folder));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(lab.get('held').status?.containerStatuses?.[0]?.ready).toBe(false);
  lab.store.update('pods', 'ns', 'held', (pod) => ({
    ...pod,
    metadata: { ...pod.metadata, finalizers: [] },
  }));
  expect(lab.store.get('pods', 'ns', 'held')).toBeUndefined();
});

it('removes a pod with time to end when its last finalizer goes, and not before its processes', async () => {
  const stays =
    'process.on("SIGTERM", () => console.log("told")); console.log("up"); setInterval(() => {}, 1000)';
  await lab.script('patient', stays);
  lab.store.update('pods', 'ns', 'patient', (pod) => ({
    ...pod,
    metadata: { ...pod.metadata, finalizers: ['example.com/hold'] },
  }));
  const release = (name: string) =>
    lab.store.update('pods', 'ns', name, (pod) => ({
      ...pod,
      metadata: { ...pod.metadata, finalizers: [] },
    }));
  await lab.logged('patient', 'up');
  lab.remove('patient', 1);
  await lab.until('patient', (pod) => pod.status?.phase === 'Failed');
  await lab.until('patient', (pod) => pod.metadata.deletionGracePeriodSeconds === 0);
  expect(lab.get('patient').metadata.finalizers).toEqual(['example.com/hold']);
  release('patient');
  expect(lab.store.get('pods', 'ns', 'patient')).toBeUndefined();

  await lab.pod('early', { command: ['node', '-e', stays] }, {}, { finalizers: ['example.com/hold'] });
  await lab.logged('early', 'up');
  lab.remove('early', 1);
  await lab.logged('early', 'told');
  release('early');
  expect(ours()).toHaveLength(1);
  await lab.gone('early');
  expect(ours()).toEqual([]);
});

it('goes although its folder cannot be removed, and says so', async () => {
  await lab.pod('messy');
  await lab.running('messy');
  stuck.add(lab.get('messy').metadata.uid);
  lab.remove('messy', 0);
  await lab.gone('messy');
  stuck.clear();
  expect(lab.complaints().join()).toContain('pod ns/messy: Error: EBUSY');
});

it.each([
  ['a folder', 'fs.rmSync(log); fs.mkdirSync(log);'],
  ['nothing', 'fs.rmSync(log);'],
])('starts and ends a program that has made %s of its termination log', async (_what, does) => {
  const script = `const log = '/dev/termination-log'; ${does} process.exit(3)`;
  await lab.script('spoiler', script, { terminationMessagePolicy: 'FallbackToLogsOnError' });
  await lab.until('spoiler', () => lab.status('spoiler')?.lastState?.terminated?.exitCode === 3);
  lab.remove('spoiler', 30);
  await lab.gone('spoiler');
});

it('ends a pod whose logs are gone', async () => {
  const script =
    'console.log("up"); process.on("SIGTERM", () => process.exit(1)); setInterval(() => {}, 1000)';
  await lab.script('logless', script, { terminationMessagePolicy: 'FallbackToLogsOnError' });
  await lab.logged('logless', 'up');
  rmSync(join(lab.dir, 'pods', lab.get('logless').metadata.uid, 'logs'), { recursive: true });
  expect(await endOf('logless', () => lab.remove('logless', 30))).toMatchObject({ exitCode: 1 });
});

it('removes a pod that never ran, and one that has ended', async () => {
  await lab.pod('never', { image: 'lab/none:1' });
  await lab.script('over', 'process.exit(0)', {}, { restartPolicy: 'Never' });
  await lab.until('over', (pod) => pod.status?.phase === 'Succeeded');
  for (const name of ['never', 'over']) lab.remove(name, 300);
  await lab.gone('never');
  await lab.gone('over');
});

it('does not start a pod that is deleted while it waits for its turn', async () => {
  // A turn is over when the program listens, which these never do.
  const holders = Array.from({ length: 5 }, (_, index) => `holder-${index}`);
  for (const name of holders) await lab.pod(name, { ports: [{ containerPort: 80 }] });
  for (const name of holders) await lab.running(name);
  await lab.pod('waits');
  await lab.until('waits', () => lab.events('waits').some((event) => event.startsWith('Pulled')));
  for (const name of ['waits', ...holders]) lab.remove(name, 0);
  for (const name of ['waits', ...holders]) await lab.gone(name);
  expect(ours()).toEqual([]);
  expect(lab.events('waits').filter((event) => event.startsWith('Started'))).toEqual([]);
});

it('gives addresses back', async () => {
  await lab.pod('address');
  await lab.running('address');
  const given: string[] = [];
  const { releasePod } = lab.addresses;
  lab.addresses.releasePod = (address) => {
    given.push(address);
    releasePod(address);
  };
  const { podIP } = lab.get('address').status ?? {};
  lab.remove('address', 0);
  await lab.gone('address');
  lab.addresses.releasePod = releasePod;
  expect(given).toEqual([podIP]);
});

it('kills everything when it stops', async () => {
  await lab.script('a', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)');
  await lab.pod('b');
  await lab.running('a');
  await lab.running('b');
  expect(ours()).toHaveLength(2);
  await lab.stop();
  expect(ours()).toEqual([]);
});
