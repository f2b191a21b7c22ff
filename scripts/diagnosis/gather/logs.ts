// What the containers of a question's pods have logged of late.
import type { ClusterObjects, Log, Question } from '../facts.ts';
import type { Target } from '../targets.ts';
import type { Access } from './access.ts';
import { isOfClient } from './client.ts';
import { readLines } from './lines.ts';
import type { Look } from './look.ts';
import { podRank, RANK } from './pods.ts';
import { servicesInQuestion } from './services.ts';

type Pod = ClusterObjects['pods'][number];
type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];

const SINCE_SECONDS = 300;
/** Of the client's, and of the servers'. */
const MOST_PODS = 5;
const MOST_CONTAINERS = 4;
/** More is read than is kept: the API cuts at the end, where the newest lines are. */
const BOUNDS = { lines: 200, chars: 256 * 1024, line: 2000, bytes: 2 * 1024 * 1024 };

export async function gatherLogs(
  access: Access,
  look: Look,
  question: Question,
  { objects, targets }: { objects: ClusterObjects; targets: readonly Target[] },
): Promise<Log[]> {
  const pods = [...clientPods(objects, question), ...serverPods(objects, question, targets)];
  const wanted = pods.flatMap((pod) => containersOf(pod).map((container) => ({ pod, ...container })));
  const logs = await Promise.all(
    wanted.map(async ({ pod, container, previous }) => {
      const { namespace = '', name = '' } = pod.metadata ?? {};
      const query = {
        container,
        tailLines: `${BOUNDS.lines}`,
        limitBytes: `${BOUNDS.bytes}`,
        // What made a container end may be longer ago than that: its back-off grows to five minutes.
        ...(previous ? { previous: 'true' } : { sinceSeconds: `${SINCE_SECONDS}` }),
      };
      const what = `the ${previous ? 'previous ' : ''}log of ${name} (${container}) in ${namespace}`;
      const read = await look.attempt(what, () =>
        access.log({ namespace, name }, query, (pieces) => readLines(pieces, BOUNDS)),
      );
      return read && { namespace, pod: name, container, previous, ...read };
    }),
  );
  return logs.filter((log) => log !== undefined);
}

/** Of many those first that are not well. */
const clientPods = ({ pods }: ClusterObjects, question: Question): Pod[] =>
  pods
    .filter((pod) => isOfClient(pod, question))
    .sort(worstFirst)
    .slice(0, MOST_PODS);

/** Those that are selected; where none is, those that could be meant. */
function serverPods(
  { pods, services }: ClusterObjects,
  question: Question,
  targets: readonly Target[],
): Pod[] {
  const inQuestion = servicesInQuestion(question, targets, services);
  const rank = podRank(question, targets, inQuestion, services);
  const selected = pods.filter((pod) => rank(pod) === RANK.selected);
  const servers = selected.length > 0 ? selected : pods.filter((pod) => rank(pod) === RANK.couldBeMeant);
  return servers.sort(worstFirst).slice(0, MOST_PODS);
}

const worstFirst = (a: Pod, b: Pod): number => trouble(b) - trouble(a);

const trouble = ({ status }: Pod): number => {
  const containers = status?.containerStatuses ?? [];
  const restarts = containers.reduce((sum, { restartCount }) => sum + restartCount, 0);
  return containers.every(({ ready }) => ready) ? restarts : 1_000_000 + restarts;
};

/** Those that have run. A container that has not started has no log; asking for it is an error. */
function containersOf({ status }: Pod): { container: string; previous: boolean }[] {
  const { containerStatuses = [], initContainerStatuses = [] } = status ?? {};
  const notDone = initContainerStatuses.filter(({ state }) => state?.terminated?.exitCode !== 0);
  return [...containerStatuses, ...notDone]
    .slice(0, MOST_CONTAINERS)
    .flatMap((one) => [
      ...(hasStarted(one) ? [{ container: one.name, previous: false }] : []),
      ...(one.restartCount > 0 ? [{ container: one.name, previous: true }] : []),
    ]);
}

const hasStarted = ({ state, lastState }: ContainerStatus): boolean =>
  Boolean(state?.running ?? state?.terminated ?? lastState?.terminated);
