import { callsStartedIn, figuresOf, type History, type Part } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { MIN_CALLS, percent } from './success-share.ts';
import { count, listOf } from './words.ts';

/** What is called worse: so much less of the calls succeed. */
const WORSE = 0.1;

type Params = {
  arm: string;
  /** The arm with which it is compared. */
  than: string;
  /** Of what is raised from step to step, lowest first. */
  steps: readonly { at: number; part: Part }[];
  /** Not worse below, worse above, and either in between; undefined: nowhere worse. */
  tipping: { from: number; to: number } | undefined;
};

/** An arm becomes worse than another where it should as the load grows: between two of the steps, or nowhere. */
export function worseFrom(history: History, { arm, than, steps, tipping }: Params): Finding {
  const say = sayFor(`worse-from-${than}`, arm);
  const measured = steps.map(({ at, part }) => {
    const [own, other] = [arm, than].map((name) =>
      figuresOf(callsStartedIn(history, name, part.fromMs, part.untilMs)),
    );
    const calls = Math.min(own?.calls ?? 0, other?.calls ?? 0);
    const [share, shareOfOther] = [own, other].map((figures) => (figures?.ok ?? 0) / (figures?.calls || 1));
    return { at, calls, share: share ?? 0, shareOfOther: shareOfOther ?? 0 };
  });
  const few = measured.find(({ calls }) => calls < MIN_CALLS);
  if (few !== undefined || measured.length === 0) {
    const where = few === undefined ? 'there are no steps' : `${count(few.calls, 'call')} at ${few.at}`;
    return say.unknown(`too few calls to compare with ${than}, ${MIN_CALLS} are needed: ${where}`);
  }

  const judged = measured.map((step) => ({ ...step, isWorse: step.shareOfOther - step.share >= WORSE }));
  const astray = judged.filter(({ at, isWorse }) =>
    isWorse ? at < (tipping?.from ?? Number.POSITIVE_INFINITY) : tipping !== undefined && at > tipping.to,
  );
  const figures = judged.map(
    ({ at, share, shareOfOther }) => `${at}: ${percent(share)} / ${percent(shareOfOther)}`,
  );
  const message = `${found(judged, than)} (${figures.join(', ')}), expected ${expectedOf(tipping)}`;
  return astray.length === 0 ? say.pass(message) : say.fail(message);
}

type Judged = { at: number; isWorse: boolean };

function found(steps: readonly Judged[], than: string): string {
  const worse = steps.filter(({ isWorse }) => isWorse).map(({ at }) => at);
  const [first] = worse;
  if (first === undefined) return `nowhere worse than ${than}`;
  const last = steps.findLast(({ at }) => at < first);
  const stays = steps.every(({ at, isWorse }) => isWorse === at >= first);
  if (!stays || last === undefined) return `worse than ${than} at ${listOf(worse.map(String))}`;
  return `becomes worse than ${than} between ${last.at} and ${first}`;
}

function expectedOf(tipping: Params['tipping']): string {
  if (tipping === undefined) return 'nowhere';
  const [from, to] = [tipping.from.toFixed(2), tipping.to.toFixed(2)];
  return from === to ? `at ${to}` : `somewhere between ${from} and ${to}`;
}
