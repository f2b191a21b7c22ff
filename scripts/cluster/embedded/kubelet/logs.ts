// Which log is asked for, or why there is none.
import { Readable } from 'node:stream';
import { badRequest, notFound } from '../errors.ts';
import type { LogOptions } from '../log-options.ts';
import type { Pod } from '../objects.ts';
import { resources } from '../resources.ts';
import type { Store } from '../store.ts';
import type { PodWorker } from './pod.ts';
import { readLog } from './read-log.ts';

/** @throws ApiError as the API server and the kubelet do. */
export function podLog(
  store: Store,
  workers: ReadonlyMap<string, PodWorker>,
  namespace: string,
  name: string,
  options: LogOptions,
): Readable {
  const pod = store.get('pods', namespace, name);
  if (!pod) throw notFound(resources.pods, name);
  const wanted = options.container ?? onlyContainer(pod);
  const all = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  if (!all.some((container) => container.name === wanted)) {
    throw badRequest(`container ${wanted} is not valid for pod ${name}`);
  }
  // Not on a node yet: nothing to read, and no error.
  if (!pod.spec?.nodeName) return Readable.from([]);
  const container = workers.get(pod.metadata.uid)?.container(wanted);
  if (!container) throw badRequest(`container "${wanted}" in pod "${name}" is not available`);
  const { state, lastState } = container.status();
  const run = container.runs().find(({ containerId }) => {
    const { terminated } = (options.previous ? lastState : state?.waiting ? lastState : state) ?? {};
    const shown = terminated
      ? terminated.containerID
      : options.previous
        ? undefined
        : container.status().containerID;
    return shown === `containerd://${containerId}`;
  });
  if (run && (options.previous || !state?.waiting || lastState?.terminated)) return readLog(run.log, options);
  if (options.previous) {
    throw badRequest(`previous terminated container "${wanted}" in pod "${name}" not found`);
  }
  if (state?.terminated) throw badRequest(`container "${wanted}" in pod "${name}" is terminated`);
  throw badRequest(
    `container "${wanted}" in pod "${name}" is waiting to start: ${why(state?.waiting?.reason)}`,
  );
}

function why(reason = 'no logs yet'): string {
  if (reason === 'ErrImagePull') return "image can't be pulled";
  if (reason === 'ImagePullBackOff') return 'trying and failing to pull image';
  return reason;
}

function onlyContainer({ metadata, spec }: Pod): string {
  const names = (spec?.containers ?? []).map(({ name }) => name);
  const [first] = names;
  if (names.length === 1 && first !== undefined) return first;
  const init = (spec?.initContainers ?? []).map(({ name }) => name);
  const orInit = init.length > 0 ? ` or one of the init containers: [${init.join(' ')}]` : '';
  throw badRequest(
    `a container name must be specified for pod ${metadata.name}, choose one of: [${names.join(' ')}]${orInit}`,
  );
}
