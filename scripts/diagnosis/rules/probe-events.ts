// What the kubelet says of a pod's probes.
import type { Evidence } from '../rule.ts';
import type { PodView, ProbeSetting } from '../situation/index.ts';
import { shorten } from '../words.ts';

type Kind = ProbeSetting['kind'];
type Said = PodView['events'][number];

/** Messages of failures of probes of these kinds, the oldest first. */
export const probeFailures = ({ events }: PodView, ...kinds: Kind[]): Said[] =>
  events.filter(({ message }) =>
    kinds.some((kind) => new RegExp(`^${kind} probe (failed|errored)`, 'i').test(message)),
  );

export const saidOf = (pod: PodView, said: Said | undefined, says: string): Evidence[] =>
  said
    ? [
        {
          fact: `event of Pod ${pod.ref}`,
          value: shorten(`${said.message}${said.count > 1 ? ` (${said.count} times)` : ''}`),
          says,
        },
      ]
    : [];
