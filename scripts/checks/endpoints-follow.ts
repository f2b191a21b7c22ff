import { formatDuration } from '../common/duration.ts';
import { faultSpan, type History, readyInSlices, type Span } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, listOf } from './words.ts';

type Params = {
  arm: string;
  service: string;
  /** The fault that the pods had. */
  fault: string;
  /** End of the time of observation. */
  untilMs: number;
};

/** Pods left the ready endpoints within the bound after the fault was there, and were back within it after it was over. */
export function endpointsFollow(
  history: History,
  { arm, service, fault, untilMs, boundMs }: Params & { boundMs: number },
): Finding {
  const say = sayFor(`endpoints-follow ${fault}`, arm);
  const span = faultSpan(history, arm, fault);
  if (span === undefined || span.pods.length === 0) return say.unknown(`there was no fault ${fault}`);
  if (untilMs < span.healedMs + boundMs)
    return say.unknown('the observation ended before the pods had to be back');

  const bound = `within ${formatDuration(boundMs)}`;
  const left: number[] = [];
  const back: number[] = [];
  for (const pod of span.pods) {
    const spans = readyInSlices(history, arm, service, pod);
    if (!isListed(spans, span.askedMs)) return say.unknown(`${pod} was no ready endpoint before`);
    const leftMs = spans.find(({ toMs }) => toMs !== undefined && toMs >= span.askedMs)?.toMs;
    if (leftMs === undefined || leftMs > span.injectedMs + boundMs) {
      const when = leftMs === undefined ? 'never' : `after ${formatDuration(leftMs - span.injectedMs)}`;
      return say.fail(`${pod} left the ready endpoints ${when}, not ${bound}`);
    }
    const backMs = spans.find(({ fromMs }) => fromMs > leftMs)?.fromMs;
    if (backMs !== undefined && backMs < span.healAskedMs) {
      return say.fail(
        `${pod} was a ready endpoint again ${formatDuration(span.healAskedMs - backMs)} before it was healed`,
      );
    }
    if (backMs === undefined || backMs > span.healedMs + boundMs) {
      const when = backMs === undefined ? 'never' : `after ${formatDuration(backMs - span.healedMs)}`;
      return say.fail(`${pod} came back to the ready endpoints ${when}, not ${bound}`);
    }
    left.push(Math.max(0, leftMs - span.injectedMs));
    back.push(Math.max(0, backMs - span.healedMs));
  }
  const [slowestLeft, slowestBack] = [left, back].map((all) => formatDuration(Math.max(...all)));
  return say.pass(
    `${count(span.pods.length, 'pod')} left the ready endpoints after ${slowestLeft} and came back after ${slowestBack} (${bound})`,
  );
}

/** Pods stayed ready endpoints for all the time of the fault. */
export function endpointsKept(history: History, { arm, service, fault, untilMs }: Params): Finding {
  const say = sayFor(`endpoints-kept ${fault}`, arm);
  const span = faultSpan(history, arm, fault);
  if (span === undefined || span.pods.length === 0) return say.unknown(`there was no fault ${fault}`);
  const endMs = Math.min(span.healedMs, untilMs);
  const gone = span.pods.filter((pod) => {
    const spans = readyInSlices(history, arm, service, pod);
    return !spans.some(
      ({ fromMs, toMs }) => fromMs <= span.askedMs && (toMs ?? Number.POSITIVE_INFINITY) >= endMs,
    );
  });
  if (gone.length > 0) return say.fail(`${listOf(gone)} left the ready endpoints`);
  return say.pass(
    `${count(span.pods.length, 'pod')} stayed a ready endpoint for all of ${formatDuration(endMs - span.askedMs)}`,
  );
}

const isListed = (spans: readonly Span[], atMs: number): boolean =>
  spans.some(({ fromMs, toMs }) => fromMs <= atMs && (toMs ?? Number.POSITIVE_INFINITY) > atMs);
