// How pods end: SIGTERM, hooks, the grace period, SIGKILL, and what is left of them.
import type { V1ContainerStateTerminated, V1Pod } from '@kubernetes/client-node';
import { expect } from 'vitest';
import { area, type Space, until } from './support.ts';
import {
  agentIn,
  container,
  eventOf,
  gone,
  logOf,
  nameOf,
  observer,
  podThat,
  readyPod,
  runPod,
} from './workloads.ts';

/** Deletes a pod, and waits until it is gone. @returns what became of its container, and its log up to then. */
async function end(
  space: Space,
  name: string,
  options: object = {},
): Promise<{ terminated: V1ContainerStateTerminated | undefined; log: string; tookMs: number }> {
  await using watching = await space.watch<V1Pod>(space.path('pods'), {
    fieldSelector: `metadata.name=${name}`,
  });
  const follows = space.http('GET', `${space.path('pods', name)}/log`, { query: { follow: true } });
  const began = performance.now();
  await space.remove('pods', name, options);
  await until(`the end of ${name}`, async () => expect(watching.events.at(-1)?.type).toBe('DELETED'));
  const tookMs = performance.now() - began;
  const terminated = watching.events
    .map(({ object }) => container(object)?.state?.terminated)
    .findLast((state) => state !== undefined);
  return { terminated, log: (await follows).text, tookMs };
}

/** Runs a script until it says `up`. */
async function up(space: Space, name: string, script: string, sketch: Parameters<typeof runPod>[2] = {}) {
  await runPod(space, name, { script, ...sketch });
  await until(`${name} is up`, async () => {
    expect((await space.get('pods', name)).status?.phase).toBe('Running');
    expect(await logOf(space, name)).toContain('up');
  });
}

const grace = (terminationGracePeriodSeconds: number) => ({ pod: { terminationGracePeriodSeconds } });
const STAY = 'setInterval(() => {}, 1000); console.log("up");';

export const termination = area('termination', (contract) => {
  contract('SIGTERM comes first, and the exit code is kept', async (space) => {
    const script = `${STAY} process.on('SIGTERM', () => { console.log('bye'); process.exit(7); })`;
    await up(space, 'polite', script, grace(50));
    const { terminated, log, tookMs } = await end(space, 'polite');
    expect(terminated).toMatchObject({ exitCode: 7, reason: 'Error' });
    expect(log).toBe('up\nbye\n');
    expect(tookMs).toBeLessThan(40_000);
  });

  contract('who ignores SIGTERM is killed after the grace period', async (space) => {
    const script = `${STAY} process.on('SIGTERM', () => console.log('no'))`;
    await up(space, 'stubborn', script, grace(2));
    const { terminated, log, tookMs } = await end(space, 'stubborn');
    expect(terminated).toMatchObject({ exitCode: 137, reason: 'Error' });
    expect(log).toBe('up\nno\n');
    expect(tookMs).toBeGreaterThan(1900);
  });

  contract('Node without a handler ignores SIGTERM, for it is process 1', async (space) => {
    await up(space, 'first', `${STAY} console.log(process.pid)`, grace(2));
    const { terminated, tookMs } = await end(space, 'first');
    expect(terminated?.exitCode).toBe(137);
    expect(tookMs).toBeGreaterThan(1900);
  });

  contract('preStop runs before SIGTERM, which waits for it', async (space) => {
    const script = `const seen = [];
      require('node:http').createServer((request, response) => {
        console.log('asked ' + request.url);
        setTimeout(() => response.end(), 1000);
      }).listen(8080, () => console.log('up'));
      process.on('SIGTERM', () => { console.log('SIGTERM'); process.exit(0); });`;
    const ask =
      'fetch("http://localhost:8080/drain").then((r) => r.text()).then(() => fetch("http://localhost:8080/done"))';
    await up(space, 'prestop', script, {
      container: { lifecycle: { preStop: { exec: { command: ['node', '-e', ask] } } } },
      ...grace(20),
    });
    const { terminated, log } = await end(space, 'prestop');
    expect(terminated?.exitCode).toBe(0);
    expect(log.split('\n').slice(0, 4)).toEqual(['up', 'asked /drain', 'asked /done', 'SIGTERM']);
  });

  contract('a preStop that fails does not keep the pod', async (space) => {
    const script = `${STAY} process.on('SIGTERM', () => process.exit(0))`;
    await up(space, 'failed-hook', script, {
      container: { lifecycle: { preStop: { exec: { command: ['node', '-e', 'process.exit(4)'] } } } },
      ...grace(20),
    });
    const { terminated } = await end(space, 'failed-hook');
    expect(terminated?.exitCode).toBe(0);
    await eventOf(space, 'failed-hook', /FailedPreStopHook/);
  });

  contract('a pod that is going says since when and for how long, and runs on', async (space) => {
    const script = `${STAY} process.on('SIGTERM', () => console.log('no'))`;
    await up(space, 'going', script, grace(4));
    await space.remove('pods', 'going');
    const { metadata, status } = await space.get('pods', 'going');
    expect(metadata?.deletionTimestamp).toBeTruthy();
    expect(metadata?.deletionGracePeriodSeconds).toBe(4);
    expect(status?.phase).toBe('Running');
    await eventOf(space, 'going', /Killing: Stopping container main/);
    await gone(space, 'pods', 'going');
  });

  contract('a grace period of 0 removes the pod without waiting', async (space) => {
    await up(space, 'forced', `${STAY} process.on('SIGTERM', () => {})`, grace(60));
    await space.remove('pods', 'forced', { gracePeriodSeconds: 0 });
    // Kubernetes forgets it at once, embedded when its processes are gone.
    await gone(space, 'pods', 'forced', 5_000);
  });

  contract('a finalizer keeps a pod that has ended, and no longer than it is there', async (space) => {
    await up(space, 'held', `${STAY} process.on('SIGTERM', () => process.exit(0))`, grace(20));
    await space.patch('pods', 'held', { metadata: { finalizers: ['grpc-kind-lab.dev/hold'] } });
    await space.remove('pods', 'held');
    await podThat(space, 'held', 'has ended', ({ metadata, status }) => {
      expect(status?.phase).toBe('Succeeded');
      // Its node has done its part: what is left is the finalizer.
      expect(metadata?.deletionGracePeriodSeconds).toBe(0);
    });
    await space.patch('pods', 'held', { metadata: { finalizers: null } });
    await gone(space, 'pods', 'held', 10_000);
  });

  contract('a pod goes with what it has made, whatever that may be', async (space) => {
    const script = `const fs = require('node:fs');
      fs.mkdirSync('/tmp/deep/er', { recursive: true });
      fs.writeFileSync('/tmp/deep/er/file', '');
      for (const folder of ['/tmp/deep/er', '/tmp/deep']) fs.chmodSync(folder, 0o555);
      ${STAY} process.on('SIGTERM', () => process.exit(0));`;
    await up(space, 'locked', script, {
      container: { volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }] },
      pod: { volumes: [{ name: 'tmp', emptyDir: {} }] },
    });
    await end(space, 'locked');
    expect((await space.http('GET', space.path('pods', 'locked'))).status).toBe(404);
  });

  contract('the children of a pod end with it', async (space) => {
    const agent = await observer(space);
    const ip = (await space.get('pods', 'observer')).status?.podIP;
    const child = `process.on('SIGTERM', () => {}); require('node:net').connect(9100, '${ip}');`;
    const script = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { detached: true });
      ${STAY} process.on('SIGTERM', () => process.exit(0));`;
    expect(await agent.callers(9100)).toEqual([]);
    await up(space, 'parent', script, grace(10));
    await until('the child calls', async () => {
      const { status } = await space.get('pods', 'parent');
      expect(await agent.callers(9100)).toEqual([status?.podIP]);
    });
    await end(space, 'parent');
    await until('the child is gone', async () => expect(await agent.callers(9100)).toEqual([]), 10_000);
  });

  contract('a pod that never ran is gone at once', async (space) => {
    await runPod(space, 'nowhere', {
      pod: { nodeSelector: { no: 'node' }, terminationGracePeriodSeconds: 60 },
    });
    await podThat(space, 'nowhere', 'is not scheduled', ({ status }) =>
      expect(status?.conditions?.[0]?.reason).toBe('Unschedulable'),
    );
    await space.remove('pods', 'nowhere');
    expect((await space.http('GET', space.path('pods', 'nowhere'))).status).toBe(404);
  });

  contract('what it was waiting to restart is not restarted any more', async (space) => {
    await runPod(space, 'crashing', { script: 'process.exit(1)', ...grace(30) });
    await podThat(space, 'crashing', 'backs off', (pod) =>
      expect(container(pod)?.state?.waiting?.reason).toBe('CrashLoopBackOff'),
    );
    await space.remove('pods', 'crashing');
    await gone(space, 'pods', 'crashing');
  });

  contract('after its end an address answers no more', async (space) => {
    await runPod(space, 'listener', grace(5));
    const pod = await readyPod(space, 'listener');
    const agent = await observer(space);
    const ip = pod.status?.podIP ?? '';
    expect((await agentIn(space, nameOf(pod)).who()).pod).toBe('listener');
    expect(await agent.connect(ip, 8080)).toBe('connected');
    await end(space, 'listener');
    expect(await agent.connect(ip, 8080)).not.toBe('connected');
  });
});
