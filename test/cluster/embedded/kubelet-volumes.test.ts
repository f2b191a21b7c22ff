import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { Volume } from '../../../scripts/cluster/embedded/kubelet/volume-content.ts';
import { createVolumes } from '../../../scripts/cluster/embedded/kubelet/volumes.ts';
import type { Pod } from '../../../scripts/cluster/embedded/objects.ts';
import { createStore } from '../../../scripts/cluster/embedded/store.ts';
import { tempDir } from '../../support/temp-dir.ts';

type Data = Record<string, string>;

/** The volumes of a pod that only has them, and a ConfigMap called `map`. */
async function withVolumes(volumes: Volume[], data: Data = { key: '0' }) {
  const dir = await tempDir();
  onTestFinished(() => dir[Symbol.asyncDispose]());
  const store = createStore();
  const metadata = { name: 'map', namespace: 'ns' };
  store.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
  let pod = store.create('pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'pod', namespace: 'ns', labels: { version: '0' } },
    spec: { containers: [], automountServiceAccountToken: false, volumes },
  }) as Pod;
  const context = {
    store,
    placement: { podIP: '127.0.0.1', hostIP: '127.0.0.1' },
    ca: 'the-ca',
    tokenFor: () => 'a-token',
  };
  return {
    volumes: createVolumes(context, () => pod, dir.path),
    set: (now: Data) => store.update('configmaps', 'ns', 'map', (before) => ({ ...before, data: now })),
    relabel(version: string): void {
      pod = { ...pod, metadata: { ...pod.metadata, labels: { version } } };
    },
    path: (...parts: string[]) => join(dir.path, ...parts),
    read: (...parts: string[]) => readFileSync(join(dir.path, ...parts), 'utf8'),
    mode: (...parts: string[]) => (statSync(join(dir.path, ...parts)).mode & 0o777).toString(8),
    versions: (volume: string) =>
      readdirSync(join(dir.path, volume)).filter((name) => name.startsWith('..') && name !== '..data'),
  };
}

const map: Volume = { name: 'v', configMap: { name: 'map' } };

it('shows the last of many quick changes, and keeps no other', async () => {
  const { volumes, set, read, path, versions } = await withVolumes([map]);
  expect(await volumes.setUp()).toBeUndefined();
  const done: Promise<void>[] = [];
  for (let change = 1; change <= 200; change += 1) {
    set({ key: `${change}`, ...(change % 2 ? { odd: 'yes' } : {}) });
    done.push(volumes.refresh());
    if (change % 3 === 0) await new Promise((resolve) => setTimeout(resolve, change % 5));
  }
  await Promise.all(done);
  expect(read('v', 'key')).toBe('200');
  expect(versions('v')).toHaveLength(1);
  expect(readdirSync(path('v')).filter((name) => !name.startsWith('..'))).toEqual(['key']);
});

it('is not kept from the next change by what an attempt has left half done', async () => {
  const { volumes, set, read, path, versions } = await withVolumes([map]);
  await volumes.setUp();
  await symlink('..gone', path('v', '..data_tmp'));
  set({ key: 'new' });
  await volumes.refresh();
  expect(read('v', 'key')).toBe('new');
  expect(versions('v')).toHaveLength(1);
});

it('leaves no version behind that it could not finish', async () => {
  const { volumes, set, read, versions } = await withVolumes([map]);
  await volumes.setUp();
  // A name that no file system takes.
  set({ ['x'.repeat(300)]: 'y' });
  await volumes.refresh();
  expect(read('v', 'key')).toBe('0');
  expect(versions('v')).toHaveLength(1);
});

it('takes the pod as it is when its turn comes', async () => {
  const items = [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }];
  const { volumes, relabel, read } = await withVolumes([{ name: 'v', downwardAPI: { items } }]);
  await volumes.setUp();
  expect(read('v', 'labels')).toBe('version="0"');
  relabel('1');
  const first = volumes.refresh();
  relabel('2');
  await first;
  expect(read('v', 'labels')).toBe('version="2"');
});

it('gives each file the mode that it asks for, or its volume', async () => {
  const fieldRef = { fieldPath: 'metadata.name' };
  const { volumes, mode, path } = await withVolumes(
    [
      { name: 'plain', configMap: { name: 'map' } },
      {
        name: 'map',
        configMap: {
          name: 'map',
          defaultMode: 0o440,
          items: [
            { key: 'key', path: 'default' },
            { key: 'key', path: 'own', mode: 0o400 },
            { key: 'key', path: 'wide', mode: 0o666 },
          ],
        },
      },
      { name: 'pod', downwardAPI: { defaultMode: 0o600, items: [{ path: 'name', fieldRef, mode: 0o604 }] } },
      {
        name: 'both',
        projected: {
          defaultMode: 0o640,
          sources: [{ configMap: { name: 'map' } }, { serviceAccountToken: { path: 'token' } }],
        },
      },
    ],
    { key: 'value' },
  );
  await volumes.setUp();
  expect(mode('plain', 'key')).toBe('644');
  expect(['default', 'own', 'wide'].map((file) => mode('map', file))).toEqual(['440', '400', '666']);
  expect(mode('pod', 'name')).toBe('604');
  expect(['key', 'token'].map((file) => mode('both', file))).toEqual(['640', '640']);
  expect(lstatSync(path('both', 'token')).isSymbolicLink()).toBe(true);
});
