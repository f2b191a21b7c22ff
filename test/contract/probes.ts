// Probes of all four kinds: what passes, what fails, and what comes of it.
import type { CoreV1EventList, V1Pod, V1Probe } from '@kubernetes/client-node';
import { expect } from 'vitest';
import { area, type Space, until } from './support.ts';
import {
  agentIn,
  container,
  eventOf,
  eventsOf,
  isReady,
  logOf,
  podThat,
  readyPod,
  runPod,
  type Sketch,
} from './workloads.ts';

const every = { periodSeconds: 1, failureThreshold: 1 };
/** A gRPC server with the health service, as the lab's own. */
const greeter = (space: Space, readinessProbe: V1Probe): Sketch => ({
  container: {
    image: space.images.server,
    command: ['node', '/app/main.js'],
    env: [{ name: 'LAB_TOKEN', value: 'contract' }],
    readinessProbe: { ...every, timeoutSeconds: 5, ...readinessProbe },
  },
  env: { NODE_NAME: 'n', DRAIN: 'none' },
});
const probed = (readinessProbe: V1Probe): Sketch => ({
  container: { readinessProbe: { ...every, ...readinessProbe } },
});
/** Listens on nothing, and ends when it is told to. */
const IDLE = 'process.on("SIGTERM", () => process.exit(0)); setInterval(() => {}, 1000)';

/** Starts a pod of which the readiness probe fails with this event. */
async function fails(space: Space, name: string, sketch: Sketch, message: RegExp): Promise<void> {
  await runPod(space, name, sketch);
  await eventOf(space, name, message);
  await podThat(space, name, 'runs unready', (pod) => {
    expect(pod.status?.phase).toBe('Running');
    expect(isReady(pod)).toBe(false);
    expect(container(pod)).toMatchObject({ ready: false, started: true, restartCount: 0 });
  });
}

/** How long after its start a pod got Ready; both times have steps of a second. */
function readyAfterMs(pod: V1Pod): number {
  const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime;
  return Date.parse(String(ready)) - Date.parse(String(container(pod)?.state?.running?.startedAt));
}

async function passes(space: Space, name: string, sketch: Sketch): Promise<void> {
  await runPod(space, name, sketch);
  await readyPod(space, name);
}

async function setServing(space: Space, pod: string, serving: Record<string, boolean>): Promise<void> {
  const { status, text } = await space.http('PATCH', `${space.path('pods', `${pod}:8080`)}/proxy/behaviour`, {
    body: { serving },
    headers: { 'x-lab-token': 'contract' },
  });
  expect(status, text).toBe(200);
}

export const probes = area('probes', (contract) => {
  contract('httpGet passes on 200, by a port’s name, and fails on 503', async (space) => {
    await passes(space, 'http-good', {});
    const unwell = { env: { READY: 'false' } };
    await fails(
      space,
      'http-bad',
      unwell,
      /Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503/,
    );
  });

  contract('httpGet fails when nothing listens, and when no answer comes in time', async (space) => {
    const port = { httpGet: { path: '/', port: 9999 } };
    const refused = /Unhealthy: Readiness probe failed: Get "http:\/\/[\d.]+:9999\/": .*connection refused/;
    const silent = 'require("node:net").createServer(() => {}).listen(8080)';
    const late =
      /Unhealthy: Readiness probe failed: Get "http:\/\/[\d.]+:8080\/": .*(Client.Timeout|deadline exceeded)/;
    await Promise.all([
      fails(space, 'http-none', probed(port), refused),
      fails(space, 'http-late', { script: silent, ...probed({ httpGet: { path: '/', port: 8080 } }) }, late),
    ]);
  });

  contract('httpGet fails on a port that speaks HTTP/2 only', async (space) => {
    const sketch = greeter(space, { httpGet: { path: '/', port: 50051 } });
    await fails(
      space,
      'http-h2c',
      sketch,
      /Unhealthy: Readiness probe failed: Get "http:\/\/[\d.]+:50051\/"/,
    );
  });

  contract('tcpSocket passes when something listens, and fails when nothing does', async (space) => {
    const refused = /Unhealthy: Readiness probe failed: dial tcp [\d.]+:9999: .*connection refused/;
    await Promise.all([
      passes(space, 'tcp-good', probed({ tcpSocket: { port: 8080 } })),
      fails(space, 'tcp-bad', probed({ tcpSocket: { port: 9999 } }), refused),
    ]);
  });

  contract('exec passes and fails by the exit code, and tells what was printed', async (space) => {
    const run = (script: string) => ({ exec: { command: ['node', '-e', script] }, timeoutSeconds: 10 });
    const said = /Unhealthy: Readiness probe failed: out of order/;
    await Promise.all([
      passes(space, 'exec-good', probed(run('process.exit(0)'))),
      fails(space, 'exec-bad', probed(run('console.log("out of order"); process.exit(3)')), said),
    ]);
  });

  contract('exec fails when it takes longer than its time-out', async (space) => {
    const command = ['node', '-e', 'setTimeout(() => {}, 30_000)'];
    const late = /Unhealthy: Readiness probe (failed|errored).*(timed out|context deadline exceeded)/;
    await fails(space, 'exec-late', probed({ exec: { command } }), late);
  });

  contract('grpc passes on SERVING, for the server and for a service', async (space) => {
    await Promise.all([
      passes(space, 'grpc-server', greeter(space, { grpc: { port: 50051 } })),
      passes(space, 'grpc-service', greeter(space, { grpc: { port: 50051, service: 'greet.Greeter' } })),
    ]);
  });

  contract('grpc fails for a service that the server does not know', async (space) => {
    const unknown = greeter(space, { grpc: { port: 50051, service: 'nope' } });
    await fails(
      space,
      'grpc-unknown',
      unknown,
      /Unhealthy: Readiness probe failed: .*(NotFound|unknown|NOT_FOUND)/i,
    );
  });

  contract('grpc fails on NOT_SERVING, and passes again; tcpSocket does not notice', async (space) => {
    await Promise.all([
      passes(space, 'asked', greeter(space, { grpc: { port: 50051 } })),
      passes(space, 'dialled', greeter(space, { tcpSocket: { port: 50051 } })),
    ]);
    const readySince = async () => {
      const { status } = await space.get('pods', 'dialled');
      return status?.conditions?.find(({ type, status: is }) => type === 'Ready' && is === 'True')
        ?.lastTransitionTime;
    };
    const before = await readySince();
    expect(before).toBeTruthy();
    await setServing(space, 'dialled', { '': false });
    await setServing(space, 'asked', { '': false });
    await podThat(space, 'asked', 'is unready', (pod) => expect(isReady(pod)).toBe(false));
    await eventOf(
      space,
      'asked',
      /Unhealthy: Readiness probe failed: service unhealthy \(responded with "NOT_SERVING"\)/,
    );
    expect(await readySince()).toBe(before);
    await setServing(space, 'asked', { '': true });
    await readyPod(space, 'asked');
  });

  contract('an unready pod says which container it is', async (space) => {
    await runPod(space, 'says', { env: { READY: 'false' } });
    const pod = await podThat(space, 'says', 'runs', ({ status }) => expect(status?.phase).toBe('Running'));
    const unready = {
      status: 'False',
      reason: 'ContainersNotReady',
      message: 'containers with unready status: [main]',
    };
    for (const type of ['Ready', 'ContainersReady']) {
      expect(pod.status?.conditions).toContainEqual(expect.objectContaining({ type, ...unready }));
    }
    await until('an answer', () => agentIn(space, 'says').setReady(true));
    await readyPod(space, 'says');
  });

  contract('readiness takes as many failures, and as many successes, as it is told', async (space) => {
    const patient = { httpGet: { path: '/ready', port: 8080 }, failureThreshold: 5, successThreshold: 4 };
    await runPod(space, 'threshold', probed(patient));
    expect(readyAfterMs(await readyPod(space, 'threshold'))).toBeGreaterThanOrEqual(2000);
    const began = performance.now();
    await agentIn(space, 'threshold').setReady(false);
    await podThat(space, 'threshold', 'is unready', (pod) => expect(isReady(pod)).toBe(false));
    // Five failures are four periods apart.
    expect(performance.now() - began).toBeGreaterThan(3500);
  });

  contract('until the start-up probe passes, the others are not asked', async (space) => {
    await runPod(space, 'starting', {
      env: { READY: 'false' },
      container: {
        startupProbe: { httpGet: { path: '/ready', port: 8080 }, periodSeconds: 1, failureThreshold: 60 },
        readinessProbe: { tcpSocket: { port: 8080 }, ...every },
        livenessProbe: { tcpSocket: { port: 9999 }, ...every },
      },
    });
    await eventOf(
      space,
      'starting',
      /Unhealthy: Startup probe failed: HTTP probe failed with statuscode: 503/,
    );
    await podThat(space, 'starting', 'is starting', (pod) =>
      expect(container(pod)).toMatchObject({ started: false, ready: false, restartCount: 0 }),
    );
    expect((await eventsOf(space, 'starting')).join()).not.toMatch(/Liveness|Readiness/);
    await until('an answer', () => agentIn(space, 'starting').setReady(true));
    await eventOf(space, 'starting', /Killing: Container main failed liveness probe, will be restarted/);
  });

  contract('a failing liveness probe restarts the container, not the pod', async (space) => {
    const { metadata } = await runPod(space, 'unwell', {
      pod: { terminationGracePeriodSeconds: 3 },
      container: {
        livenessProbe: { httpGet: { path: '/ready', port: 8080 }, periodSeconds: 1, failureThreshold: 2 },
      },
    });
    const { status } = await readyPod(space, 'unwell');
    await agentIn(space, 'unwell').setReady(false);
    await eventOf(
      space,
      'unwell',
      /Unhealthy: Liveness probe failed: HTTP probe failed with statuscode: 503/,
    );
    await eventOf(space, 'unwell', /Killing: Container main failed liveness probe, will be restarted/);
    const again = await podThat(space, 'unwell', 'is restarted', (pod) => {
      expect(container(pod)?.restartCount).toBe(1);
      expect(isReady(pod)).toBe(true);
    });
    expect(again.metadata?.uid).toBe(metadata?.uid);
    expect(again.status?.podIP).toBe(status?.podIP);
    // The agent exits with 0 on SIGTERM.
    expect(container(again)?.lastState?.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
    expect(await logOf(space, 'unwell', { previous: true })).toContain('SIGTERM');
  });

  contract('a start-up probe that never passes restarts the container', async (space) => {
    await runPod(space, 'stillborn', {
      script: IDLE,
      container: { startupProbe: { tcpSocket: { port: 9999 }, periodSeconds: 1, failureThreshold: 2 } },
    });
    await eventOf(space, 'stillborn', /Killing: Container main failed startup probe, will be restarted/);
    await podThat(space, 'stillborn', 'is restarted', (pod) =>
      expect(container(pod)?.restartCount).toBeGreaterThan(0),
    );
  });

  contract('the first probe waits for initialDelaySeconds', async (space) => {
    await runPod(space, 'delayed', probed({ tcpSocket: { port: 8080 }, initialDelaySeconds: 3 }));
    expect(readyAfterMs(await readyPod(space, 'delayed'))).toBeGreaterThanOrEqual(2000);
  });

  contract(
    'a probe that cannot be made is tried again, and says nothing about the container',
    async (space) => {
      // The profile `restricted` lets no probe name a host.
      const profile = 'pod-security.kubernetes.io/enforce=privileged';
      await space.kubectl('label', 'namespace', space.name, profile, '--overwrite');
      const httpGet = { host: 'no host', port: 8080 };
      await runPod(space, 'unaskable', {
        script: IDLE,
        container: { livenessProbe: { ...every, httpGet }, readinessProbe: { ...every, httpGet } },
      });
      await until('another attempt', async () => {
        const query = { fieldSelector: 'involvedObject.name=unaskable,reason=Unhealthy' };
        const { body } = await space.http<CoreV1EventList>('GET', space.path('events'), { query });
        const [event, other] = body.items;
        expect([event?.count, other?.count]).toSatisfy((counts) => counts.some((count = 0) => count > 1));
        expect(event?.message).toMatch(/^(Readiness|Liveness) probe errored and resulted in unknown state: /);
      });
      expect(container(await space.get('pods', 'unaskable'))).toMatchObject({
        restartCount: 0,
        ready: false,
      });
    },
  );

  contract('a header and a path that a probe gives arrive', async (space) => {
    const script = `require('node:http').createServer((request, response) => {
      const good = request.url === '/a?b=c' && request.headers['x-probe'] === 'yes' && request.method === 'GET';
      console.log(JSON.stringify([request.url, request.headers]));
      response.writeHead(good ? 204 : 400).end();
    }).listen(8080)`;
    const httpHeaders = [{ name: 'X-Probe', value: 'yes' }];
    await passes(space, 'headers', {
      script,
      ...probed({ httpGet: { path: '/a?b=c', port: 8080, httpHeaders } }),
    });
    await until('the log', async () => expect(await logOf(space, 'headers')).toContain('kube-probe/1.34'));
  });
});
