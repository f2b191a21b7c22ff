import { formatDuration } from '../common/duration.ts';
import {
  findEven,
  firstCallWaits,
  type History,
  newPodsOf,
  SEEING_EVEN_MS,
  scaleOutTimeline,
  settledMs,
  slowestWait,
} from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import type { Prediction } from './prediction.ts';

type Params = {
  arm: string;
  /** `first-call`: of the slowest client on the slowest new pod. `even`: shares, seen three windows later. */
  of: 'first-call' | 'even';
  predicted: Prediction;
  /** End of the time of observation. */
  untilMs: number;
};

/**
 * It took no longer than predicted. Earlier than predicted is no failure, and where the prediction is of most runs and not
 * of all, neither is later, up to the bound.
 */
export function withinPrediction(history: History, { arm, of, predicted, untilMs }: Params): Finding {
  const say = sayFor('within-prediction', arm);
  const settledAtMs = settledMs(history, arm);
  if (settledAtMs === undefined) return say.unknown('the change did not bring or take all its pods');
  if (of === 'first-call' && newPodsOf(history, arm).length === 0) return say.unknown('no new pod came');

  const measuredMs =
    of === 'even' ? evenAfterMs(history, arm, settledAtMs, untilMs) : firstCallAfterMs(history, arm);
  const what = of === 'even' ? 'even shares' : 'the slowest first call on a new pod';
  const measured = measuredMs === undefined ? undefined : formatDuration(Math.max(0, measuredMs));
  if (predicted.kind === 'never') {
    return measured === undefined
      ? say.pass(`${what}: never, as predicted (${predicted.why})`)
      : say.fail(`${what} came after ${measured}, where never was predicted (${predicted.why})`);
  }

  const seeingMs = of === 'even' ? SEEING_EVEN_MS : 0;
  const toMs = predicted.toMs + seeingMs;
  const fromMs = predicted.fromMs + seeingMs;
  const interval = `predicted ${formatDuration(fromMs)} to ${formatDuration(toMs)}`;
  if (measuredMs !== undefined && measuredMs <= toMs) {
    const early = measuredMs < fromMs ? ', earlier than' : ',';
    return say.pass(`${what} came after ${measured}${early} ${interval}`);
  }
  if (measuredMs !== undefined && predicted.coverage < 1 && measuredMs <= predicted.boundMs + seeingMs) {
    const bound = formatDuration(predicted.boundMs + seeingMs);
    return say.pass(
      `${what} came after ${measured}, later than ${interval} in most runs, within the bound of ${bound}`,
    );
  }
  if (measuredMs !== undefined) return say.fail(`${what} came after ${measured}, later than ${interval}`);
  const observedMs = untilMs - settledAtMs;
  if (observedMs < toMs)
    return say.unknown(`${what} did not come in ${formatDuration(observedMs)}, ${interval}`);
  return say.fail(`${what} never came in ${formatDuration(observedMs)}, ${interval}`);
}

/** The longest wait of any client for any new pod; undefined when one of them never ended. */
function firstCallAfterMs(history: History, arm: string): number | undefined {
  const timeline = scaleOutTimeline(history, arm);
  const waits = timeline === undefined ? [] : firstCallWaits(timeline);
  return waits.some((wait) => wait.waitMs === undefined) ? undefined : slowestWait(waits)?.waitMs;
}

function evenAfterMs(history: History, arm: string, afterMs: number, untilMs: number): number | undefined {
  const evenness = findEven(history, arm, { afterMs, untilMs });
  return evenness.kind === 'even' ? evenness.atMs - afterMs : undefined;
}
