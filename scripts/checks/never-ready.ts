import { formatDuration } from '../common/duration.ts';
import { eventsOf, type History, type Part, podsOf, SERVER_APP } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count } from './words.ts';

/** What an Event says of a readiness probe that did not succeed. */
const UNHEALTHY = 'Unhealthy';
const READINESS = /^Readiness probe (failed|errored)/;

/** What the kubelet said of the readiness probes of an arm's pods that did not succeed, and how often. */
export function probeFailures(history: History, arm: string): { message: string; count: number }[] {
  const counts = new Map<string, { message: string; count: number }>();
  for (const seen of eventsOf(history, 'cluster-event')) {
    if (seen.arm !== arm || seen.reason !== UNHEALTHY || !READINESS.test(seen.message)) continue;
    // Counts are of all that were alike so far.
    const message = seen.message.trim();
    counts.set(`${seen.pod} ${message}`, { message, count: seen.count });
  }
  return [...counts.values()].sort((a, b) => b.count - a.count);
}

/** No pod of the arm was Ready at any moment, and the kubelet said why: its probe failed as it should. */
export function neverReady(
  history: History,
  { arm, because }: { arm: string /** In what the kubelet says. */; because: RegExp },
): Finding {
  const say = sayFor('never-ready', arm);
  const pods = podsOf(history, arm, SERVER_APP);
  if (pods.length === 0) return say.unknown('there was no pod');
  const ready = pods.filter(({ readyAtMs }) => readyAtMs !== undefined);
  if (ready.length > 0)
    return say.fail(`${count(ready.length, 'pod')} got Ready: ${ready.map(({ pod }) => pod).join(', ')}`);
  const failures = probeFailures(history, arm);
  const [most] = failures;
  if (most === undefined) return say.unknown('not Ready, but the kubelet did not say why');
  const expected = failures.find(({ message }) => because.test(message));
  if (expected === undefined) return say.fail(`not Ready, for another reason: ${most.message}`);
  return say.pass(`not Ready at any moment: ${expected.message}`);
}

/** Every pod of the arm was Ready for all of a part of the run. */
export function readyThroughoutPart(history: History, { arm, part }: { arm: string; part: Part }): Finding {
  const say = sayFor('ready', arm);
  const pods = podsOf(history, arm, SERVER_APP);
  if (pods.length === 0) return say.unknown('there was no pod');
  const unready = pods.filter(
    ({ ready }) =>
      !ready.some(
        ({ fromMs, toMs }) => fromMs <= part.fromMs && (toMs ?? Number.POSITIVE_INFINITY) >= part.untilMs,
      ),
  );
  if (unready.length === 0) {
    return say.pass(
      `${count(pods.length, 'pod')} Ready for all of ${formatDuration(part.untilMs - part.fromMs)}`,
    );
  }
  const [why] = probeFailures(history, arm);
  return say.fail(
    `${count(unready.length, 'pod')} not Ready all the time${why === undefined ? '' : `: ${why.message}`}`,
  );
}
