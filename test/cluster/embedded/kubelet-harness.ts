// A kubelet on a store of its own, with a node, images of small programs, and what tests ask of pods.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach } from 'vitest';
import {
  bundlePodSide,
  createImageStore,
  startKubelet,
} from '../../../scripts/cluster/embedded/kubelet/index.ts';
import { createAddresses } from '../../../scripts/cluster/embedded/network/addresses.ts';
import type { Pod } from '../../../scripts/cluster/embedded/objects.ts';
import { createStore } from '../../../scripts/cluster/embedded/store.ts';
import { eventually } from '../../support/eventually.ts';

export const IMAGE = 'lab/program:1';
type Spec = NonNullable<Pod['spec']>;
type Container = Spec['containers'][number];
export type ContainerSpec = Partial<Omit<Container, 'livenessProbe'>> & Record<string, unknown>;
type LogOptions = Parameters<ReturnType<typeof startKubelet>['logs']>[2];

/** @param part of the block that no other test file uses: its pods are 127.201.(16 + part).1 and following. */
export function useKubelet(part: number) {
  const dir = mkdtempSync(join(tmpdir(), 'kubelet-'));
  const preload = join(dir, 'preload.cjs');
  const bundled = bundlePodSide(preload);
  const addresses = createAddresses(201);
  for (let taken = 0; taken < part * 254; taken += 1) addresses.allocatePod();
  const store = createStore();
  const images = createImageStore(join(dir, 'images'));
  const dns = { address: '127.201.240.10', port: 10_000 + part, timeoutMs: 1000 };
  const logged: string[] = [];
  store.create('nodes', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'worker' },
    status: { addresses: [{ type: 'InternalIP', address: addresses.node(part) }] },
  });
  store.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ns' } });
  let kubelet: ReturnType<typeof startKubelet> | undefined;
  const clusterId = `test-${process.pid}-${part}`;

  const get = (name: string): Pod => {
    const pod = store.get('pods', 'ns', name);
    if (!pod) throw new Error(`pod ${name} is gone`);
    return pod;
  };
  const status = (name: string, container?: string) => {
    const all = [
      ...(get(name).status?.initContainerStatuses ?? []),
      ...(get(name).status?.containerStatuses ?? []),
    ];
    return all.find((each) => container === undefined || each.name === container);
  };

  afterEach(async () => {
    for (const { metadata } of store.list('pods')) store.remove('pods', 'ns', metadata.name);
    await kubelet?.stop();
    kubelet = undefined;
    if (logged.length > 0) throw new Error(`the kubelet logged: ${logged.join('\n')}`);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const lab = {
    store,
    images,
    addresses,
    clusterId,
    dns,
    dir,
    get,
    status,
    /** Makes an image whose /app/main.js is this program. */
    async image(program: string, ref = IMAGE): Promise<void> {
      const source = join(dir, 'source');
      await mkdir(source, { recursive: true });
      await writeFile(join(source, 'main.js'), program);
      await images.add(ref, source);
    },
    async start(): Promise<void> {
      await bundled;
      if (!images.find(IMAGE)) await lab.image('setInterval(() => {}, 1000)');
      kubelet = startKubelet({
        store,
        addresses,
        images,
        dir: join(dir, 'pods'),
        clusterId,
        preload,
        dns,
        apiServer: { host: addresses.api, port: 6443, ca: 'the-ca' },
        tokenFor: (namespace, account) => `token-of-${namespace}-${account}`,
        log: (line) => logged.push(line),
      });
    },
    /** Creates a pod of one container unless its spec has others; starts the kubelet when there is none. */
    async pod(
      name: string,
      container: ContainerSpec = {},
      spec: Partial<Spec> = {},
      metadata = {},
    ): Promise<void> {
      if (!kubelet) await lab.start();
      const only = { name: 'main', image: IMAGE, ...container } as Container;
      store.create('pods', {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'ns', ...metadata },
        spec: { containers: [only], nodeName: 'worker', terminationGracePeriodSeconds: 1, ...spec },
        status: { phase: 'Pending' },
      });
    },
    /** A pod that runs a script. */
    script: (name: string, script: string, container: ContainerSpec = {}, spec: Partial<Spec> = {}) =>
      lab.pod(name, { command: ['node', '-e', script], ...container }, spec),
    /** Runs the body of an async function in a pod, in which `log` writes JSON. @returns what it wrote, at its end. */
    async inPod(name: string, body: string, container: ContainerSpec = {}): Promise<unknown[]> {
      const script = `const log = (...values) => console.log(JSON.stringify(values.length > 1 ? values : values[0]));
        (async () => { ${body} })().then(() => console.log('done'), (error) => console.log('done', error.stack));
        setInterval(() => {}, 1000);`;
      await lab.script(name, script, container);
      const lines = (await lab.logged(name, /^done/m)).trim().split('\n');
      if (lines.at(-1) !== 'done') throw new Error(lines.join('\n'));
      return lines.slice(0, -1).map((line) => JSON.parse(line));
    },
    ipOf: (name: string): string => get(name).status?.podIP as string,
    /** Asks for its end, as the API does. */
    remove(name: string, graceSeconds = 1): void {
      store.update('pods', 'ns', name, (pod) => ({
        ...pod,
        metadata: {
          ...pod.metadata,
          deletionTimestamp: new Date(Date.now() + graceSeconds * 1000).toISOString(),
          deletionGracePeriodSeconds: graceSeconds,
        },
      }));
    },
    /** Waits until this holds for the pod. */
    until: (name: string, isTrue: (pod: Pod) => boolean) =>
      eventually(
        () => {
          const pod = store.get('pods', 'ns', name);
          return pod !== undefined && isTrue(pod);
        },
        () => [store.get('pods', 'ns', name)?.status, lab.events(name)],
      ),
    gone: (name: string) =>
      eventually(
        () => !store.get('pods', 'ns', name),
        () => store.get('pods', 'ns', name)?.status,
      ),
    running: (name: string) => lab.until(name, () => status(name)?.state?.running !== undefined),
    isReady: (name: string) =>
      get(name).status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True',
    ready: (name: string) => lab.until(name, () => lab.isReady(name)),
    /** `Reason: message`, with how often where it was more than once. */
    events: (name: string): string[] =>
      store
        .list('events', 'ns')
        .filter(({ involvedObject }) => involvedObject.name === name)
        .map(({ reason, message, count = 1 }) => `${reason}: ${message}${count > 1 ? ` (x${count})` : ''}`),
    logs: async (name: string, options: LogOptions = {}): Promise<string> => {
      if (!kubelet) throw new Error('no kubelet');
      return text(await kubelet.logs('ns', name, options));
    },
    stream: (name: string, options: LogOptions) => kubelet?.logs('ns', name, options),
    /** Waits until the log has it. */
    async logged(name: string, what: string | RegExp): Promise<string> {
      let seen = '';
      const deadline = performance.now() + 10_000;
      while (performance.now() < deadline) {
        seen = await lab.logs(name).catch((error: Error) => error.message);
        if (typeof what === 'string' ? seen.includes(what) : what.test(seen)) return seen;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      throw new Error(`not in the log: ${what}\n${seen}`);
    },
    /** Pids of processes whose environment has this. */
    processes(mark: string): number[] {
      const { readdirSync } = process.getBuiltinModule('node:fs');
      return readdirSync('/proc')
        .filter((entry) => /^\d+$/.test(entry))
        .filter((pid) => {
          try {
            return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(mark);
          } catch {
            return false;
          }
        })
        .map(Number);
    },
    /** What the kubelet has logged; who does not ask for it expects nothing. */
    complaints: (): string[] => logged.splice(0),
    stop: async () => {
      await kubelet?.stop();
      kubelet = undefined;
    },
  };
  return lab;
}
