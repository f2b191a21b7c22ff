import { formatDuration } from '../common/duration.ts';
import { callsStartedIn, failuresOf, type History, type Part, startedMs } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { unlessStarved } from './starved.ts';
import { count, describeFailures, listOf } from './words.ts';

type Params = {
  arm: string;
  /** From when servers were lost until they were not any more. */
  part: Part;
  /** What they were lost to, for people: `the freeze`. */
  cause: string;
  /** How long after that the last call is lost. */
  fromMs: number;
  toMs: number;
  /** Of calls that go to these servers while they are thought to be well. */
  share: number;
};

/** How far the share of calls that are lost may be off: they are dealt out in turn. */
const SHARE_MAY_BE_OFF = 0.15;
/** So that a share of few calls can be told. */
const MIN_CALLS = 10;

/**
 * Calls to a server that is lost without a word are lost, until that is noticed or is over. Those are told by their
 * failures: what was sent to it shortly before it goes on is answered late.
 */
export function blackHole(history: History, { arm, part, cause, fromMs, toMs, share }: Params): Finding {
  const say = sayFor('black-hole', arm);
  const seen = blackHoleOf(history, arm, part);
  if (seen === undefined) return say.unknown(`there is no mark of ${cause}`);
  const predicted = `predicted ${formatDuration(fromMs)} to ${formatDuration(toMs)}`;
  const { lostForMs, calls, lost, failures } = seen;
  if (lostForMs === undefined) return say.fail(`no call was lost after ${cause}, ${predicted}`);
  const moment = (atMs: number) => `${formatDuration(atMs - part.fromMs)} after ${cause}`;
  const codes = new Set(failures.map(({ code }) => code));
  const strange = [...codes].filter((code) => code !== 'DEADLINE_EXCEEDED' && code !== 'UNAVAILABLE');
  if (strange.length > 0) return say.fail(`calls failed with ${listOf(strange)}`);
  const message =
    `calls were lost for ${formatDuration(lostForMs)}, ${predicted}; ${lost} of ${count(calls, 'call')} of that time, ` +
    `expected ${Math.round(share * 100)}% of them: ${describeFailures(failures, moment)}`;
  if (lostForMs < fromMs || lostForMs > toMs) return unlessStarved(history, part, say.fail(message));
  if (calls < MIN_CALLS) return say.unknown(`too few calls to tell: ${message}`);
  return Math.abs(lost / calls - share) <= SHARE_MAY_BE_OFF
    ? say.pass(message)
    : unlessStarved(history, part, say.fail(message));
}

/** What servers that were lost cost an arm; undefined when none were. */
export function blackHoleOf(history: History, arm: string, { fromMs, untilMs }: Part) {
  if (!Number.isFinite(fromMs)) return undefined;
  const calls = callsStartedIn(history, arm, fromMs, untilMs);
  const lost = calls.filter(({ code }) => code !== 'OK');
  const lastMs = lost.length === 0 ? undefined : Math.max(...lost.map(startedMs));
  return {
    /** From their loss to the start of the last call that was lost. */
    lostForMs: lastMs === undefined ? undefined : lastMs - fromMs,
    /** Calls of that time. */
    calls: lastMs === undefined ? 0 : calls.filter((call) => startedMs(call) <= lastMs).length,
    lost: lost.length,
    failures: failuresOf(calls),
  };
}
