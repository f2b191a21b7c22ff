// A watch of the Service that the fake API has, and what it tells.
import { afterEach, beforeEach } from 'vitest';
import type { EndpointSlice } from '../../../../../services/grpc-kit/src/resolver/kubernetes/endpoints.ts';
import {
  type SliceWatchTimes,
  watchSlices,
} from '../../../../../services/grpc-kit/src/resolver/kubernetes/slice-watch.ts';
import { tempDir } from '../../../../support/temp-dir.ts';
import { type FakeApi, fakeApi } from '../fake-api.ts';
import { recorder } from '../recorder.ts';

/** For each test a fake API, a folder, and the watches of it, which end with the test. */
export function useWatches(times: SliceWatchTimes) {
  let temp: Awaited<ReturnType<typeof tempDir>>;
  let api: FakeApi;
  let releases: (() => void)[];
  beforeEach(async () => {
    temp = await tempDir();
    api = await fakeApi();
    releases = [];
  });
  afterEach(async () => {
    for (const release of releases) release();
    await api[Symbol.asyncDispose]();
    await temp[Symbol.asyncDispose]();
  });

  return {
    api: () => api,
    folder: () => temp.path,

    watched(options: Parameters<FakeApi['kubeconfig']>[1] = {}, more: Partial<SliceWatchTimes> = {}) {
      const seen = {
        slices: [] as string[][],
        service: '',
        failures: [] as string[],
        fresh: 0,
        last: [] as EndpointSlice[],
      };
      const { logger, lines } = recorder();
      const listener = {
        loggers: () => [logger],
        onSlices: (slices: Iterable<EndpointSlice>, service: string) => {
          seen.last = [...slices];
          seen.slices.push(seen.last.map(({ metadata }) => metadata?.name ?? '').sort());
          seen.service = service;
        },
        onFresh: () => {
          seen.fresh += 1;
        },
        onFailure: (reason: string) => void seen.failures.push(reason),
      };
      const kubeconfig = api.kubeconfig(temp.path, options);
      const question = { service: 'greeter', namespace: undefined, options: { kubeconfig } };
      const { release, retrySoon } = watchSlices(question, listener, { ...times, ...more });
      releases.push(release);
      const has = (...names: string[]) => JSON.stringify(seen.slices.at(-1)) === JSON.stringify(names);
      return { seen, lines, release, retrySoon, has };
    },
  };
}
