// From facts to causes: every rule is asked, what they say is put in order, and what nobody explains is told.

import { accountsFor, explains, stageOf } from './effects.ts';
import type { Facts } from './facts.ts';
import type { Certainty, Evidence, Suspicion } from './rule.ts';
import { RULES } from './rules/index.ts';
import { brokenLayer, describeFailure, hasReady, type Situation, situationOf } from './situation/index.ts';
import { shorten } from './words.ts';

export type Diagnosis = {
  /**
   * `cause`: what fails is explained, or something is wrong that fails nothing yet; `unknown`: something fails that no
   * cause explains, or too little was seen.
   */
  verdict: 'healthy' | 'cause' | 'unknown';
  /** What explains present failures first; then the surest; then what comes first on a call's way. */
  causes: Suspicion[];
  /** What was seen to fail, and no cause accounts for. */
  unexplained: Evidence[];
};

const CERTAINTIES: readonly Certainty[] = ['certain', 'likely', 'possible'];
const rank = ({ certainty }: Suspicion): number => CERTAINTIES.indexOf(certainty);

/** Pure: the same facts have the same diagnosis. */
export function judge(facts: Facts): Diagnosis {
  const situation = situationOf(facts);
  const found = RULES.flatMap((rule) => rule.judge(situation) ?? []);
  const failed = failedIn(situation);
  const causes = withoutEffects(found).toSorted(
    (a, b) =>
      Number(isIdle(a, failed)) - Number(isIdle(b, failed)) ||
      rank(a) - rank(b) ||
      stageOf(a.cause) - stageOf(b.cause),
  );
  const unexplained = failed.filter(({ code }) => !causes.some(({ cause }) => accountsFor(cause, code)));
  const isExplained = failed.length === 0 || unexplained.length < failed.length;
  return {
    verdict: causes.length > 0 && isExplained ? 'cause' : failed.length > 0 ? 'unknown' : 'healthy',
    causes,
    unexplained: unexplained.map(({ evidence }) => evidence),
  };
}

/** An effect of a cause that is named is not named as another, unless it is surer. */
const withoutEffects = (found: readonly Suspicion[]): Suspicion[] =>
  found.filter(
    (effect) => !found.some((cause) => explains(cause.cause, effect.cause) && rank(cause) <= rank(effect)),
  );

/** While something fails: whether it is not what fails it. */
const isIdle = ({ cause }: Suspicion, failed: readonly Failed[]): boolean =>
  failed.length > 0 && !failed.some(({ code }) => accountsFor(cause, code));

type Failed = { code: string; evidence: Evidence };

/** Calls that fail, ways that are broken, Services that have nobody; with the code that a call ends with. */
function failedIn(situation: Situation): Failed[] {
  const { calls, probed, routes, facts } = situation;
  const failures = calls.current.map((failure) => ({
    code: failure.code,
    evidence: { fact: failure.where, value: shorten(describeFailure(failure)), says: 'calls fail' },
  }));
  const lookups = facts.probes.flatMap(({ answer: { host, lookup } }) =>
    lookup.error === undefined
      ? []
      : [
          {
            code: 'UNAVAILABLE',
            evidence: { fact: `probe lookup ${host}`, value: lookup.error, says: 'the name has no address' },
          },
        ],
  );
  const ways = probed.flatMap((probe) => {
    const broken = brokenLayer(probe);
    return broken === undefined
      ? []
      : [
          {
            code: probe.method?.code ?? 'UNAVAILABLE',
            evidence: {
              fact: `probe ${probe.where}`,
              value: shorten(broken),
              says: 'a call does not get through',
            },
          },
        ];
  });
  const empty = routes.flatMap(({ service }) =>
    service && !service.externalName && !hasReady(service)
      ? [
          {
            code: 'UNAVAILABLE',
            evidence: {
              fact: `Service ${service.ref}`,
              value: 'no ready endpoint',
              says: 'a call has nowhere to go',
            },
          },
        ]
      : [],
  );
  const unseen =
    routes.length === 0
      ? [
          {
            code: 'UNKNOWN',
            evidence: {
              fact: `settings of ${situation.client.ref}`,
              value: 'no target',
              says: 'what the client dials is not known',
            },
          },
        ]
      : [];
  const seen = [...failures, ...lookups, ...ways, ...empty];
  return seen.length > 0 ? seen : unseen;
}
