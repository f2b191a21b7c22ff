import { formatDuration } from '../common/duration.ts';
import {
  type Call,
  callsStartedIn,
  clientsOf,
  EVEN,
  faultSpan,
  type History,
  type Part,
  startedMs,
} from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { percent } from './success-share.ts';
import { count, listOf } from './words.ts';

type Params = {
  arm: string;
  /** The fault that tells which pods. */
  fault: string;
};

/** In a part of the run each client's calls went to these pods as to any other: an even share to each. */
export function shareKept(
  history: History,
  { arm, fault, part, servers }: Params & { part: Part /** Of the arm. */; servers: number },
): Finding {
  const say = sayFor(`share-kept ${fault}`, arm);
  const pods = faultSpan(history, arm, fault)?.pods ?? [];
  if (pods.length === 0) return say.unknown(`there was no fault ${fault}`);
  const calls = callsStartedIn(history, arm, part.fromMs, part.untilMs).filter(
    ({ pod }) => pod !== undefined,
  );
  const shares = clientsOf(history, arm).flatMap((client) => {
    const own = calls.filter(({ source }) => source === client);
    return pods.map((pod) => ({
      pod,
      client,
      calls: own.length,
      on: own.filter((call) => call.pod === pod).length,
    }));
  });
  const fewest = Math.min(...shares.map((share) => share.calls / servers));
  if (!(fewest >= EVEN.minCallsPerPod)) return say.unknown('too few calls were answered to tell');
  const uneven = shares.filter(({ on, calls: all }) => Math.abs(on * servers - all) > EVEN.tolerance * all);
  const inWords = (of: typeof shares) =>
    listOf(of.map(({ pod, on, calls: all }) => `${pod} ${percent(on / all)}`));
  const span = formatDuration(part.untilMs - part.fromMs);
  if (uneven.length > 0) {
    return say.fail(`in ${span} not an even share of ${percent(1 / servers)}: ${inWords(uneven)}`);
  }
  return say.pass(`in ${span} an even share of ${percent(1 / servers)}: ${inWords(shares)}`);
}

/**
 * The pods lost their share within the bound after the fault was there, for as long as it was, and had calls again within
 * the bound after it was over.
 */
export function shareWithdrawn(
  history: History,
  { arm, fault, boundMs, untilMs }: Params & { boundMs: number; untilMs: number },
): Finding {
  const say = sayFor(`share-withdrawn ${fault}`, arm);
  const span = faultSpan(history, arm, fault);
  if (span === undefined || span.pods.length === 0) return say.unknown(`there was no fault ${fault}`);
  const { injectedMs, healAskedMs, healedMs, pods } = span;
  const bound = `within ${formatDuration(boundMs)}`;
  const allCalls = (fromMs: number, toMs: number) => callsStartedIn(history, arm, fromMs, toMs);
  const on = (calls: readonly Call[]) => calls.filter(({ pod }) => pod !== undefined && pods.includes(pod));
  if (healAskedMs - injectedMs <= boundMs) return say.unknown('the fault was over before the bound');
  const without = allCalls(injectedMs + boundMs, healAskedMs);
  if (without.length === 0) return say.unknown('no call was started while the pods should have had none');

  const late = on(without);
  if (late.length > 0) {
    const last = late.reduce((latest, call) => Math.max(latest, startedMs(call)), 0);
    return say.fail(
      `${listOf(pods)} still had ${late.length} of ${count(without.length, 'call')}, ` +
        `up to ${formatDuration(last - injectedMs)} after it said NOT_SERVING, not none ${bound}`,
    );
  }
  const lastMs = Math.max(injectedMs, ...on(allCalls(injectedMs, healAskedMs)).map(startedMs));
  const [firstMs] = on(allCalls(healAskedMs, untilMs))
    .map(startedMs)
    .sort((a, b) => a - b);
  const firstAfter = firstMs === undefined ? undefined : Math.max(0, firstMs - healedMs);
  if (firstAfter === undefined || firstAfter > boundMs) {
    if (firstAfter === undefined && untilMs < healedMs + boundMs) {
      return say.unknown('the observation ended before the pods had to have calls again');
    }
    const when = firstAfter === undefined ? 'never' : `after ${formatDuration(firstAfter)}`;
    return say.fail(`${listOf(pods)} had calls again ${when}, not ${bound}`);
  }
  return say.pass(
    `last call ${formatDuration(lastMs - injectedMs)} after it said NOT_SERVING, none of ${count(without.length, 'call')} ` +
      `after the bound, the next ${formatDuration(firstAfter)} after it was healed (${bound})`,
  );
}
