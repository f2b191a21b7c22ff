// Which pods matter to a question, the most first: in a namespace of thousands not all are kept.
import type { ClusterObjects, Question } from '../facts.ts';
import type { Target } from '../targets.ts';
import { isOfClient } from './client.ts';
import { isSelected } from './services.ts';

type Pod = ClusterObjects['pods'][number];
type Service = ClusterObjects['services'][number];

export const RANK = { client: 4, selected: 3, couldBeMeant: 2, ofAnotherService: 1, other: 0 } as const;

/** @param inQuestion the Services that are asked about, or dialled; `all` those that are there. */
export function podRank(
  question: Question,
  targets: readonly Target[],
  inQuestion: readonly Service[],
  all: readonly Service[],
): (pod: Pod) => number {
  const ports = new Set([...inQuestion.flatMap(portsOf), ...targets.flatMap(({ port }) => port ?? [])]);
  const labels = new Set(inQuestion.flatMap(({ spec }) => Object.entries(spec?.selector ?? {}).map(asText)));
  const couldBeMeant = ({ metadata, spec }: Pod) =>
    Object.entries(metadata?.labels ?? {}).some((label) => labels.has(asText(label))) ||
    (spec?.containers ?? []).some(({ ports: own = [] }) =>
      own.some(({ containerPort, name }) => ports.has(containerPort) || (name && ports.has(name))),
    );
  return (pod) => {
    if (isOfClient(pod, question)) return RANK.client;
    if (inQuestion.some((service) => isSelected(service, pod))) return RANK.selected;
    if (couldBeMeant(pod)) return RANK.couldBeMeant;
    return all.some((service) => isSelected(service, pod)) ? RANK.ofAnotherService : RANK.other;
  };
}

const asText = ([key, value]: [string, string]) => `${key}=${value}`;

const portsOf = ({ spec }: Service): (number | string)[] =>
  (spec?.ports ?? []).flatMap(({ port, targetPort }) => [
    port,
    (targetPort as number | string | undefined) ?? port,
  ]);
