// Each client's share on its own node, and how each arm went on when a pod was gone.
import { moveMs, movesOf, returnsOf } from '../../checks/index.ts';
import { formatDuration } from '../../common/duration.ts';
import {
  between,
  callsStartedIn,
  changeAskedMs,
  endedMs,
  type History,
  newPodsOf,
  OWN_NODE,
  type Part,
  placesOf,
  startedMs,
  tookMs,
} from '../../history/index.ts';
import type { ResultTable } from '../../report/index.ts';

/** Before the change, until a pod is Ready again, and at the end. */
function partsOf(history: History, arm: string): Record<'before' | 'without' | 'after', Part> {
  const whole = between(history, 'baseline', 'end');
  const changeMs = changeAskedMs(history, arm) ?? whole.untilMs;
  const readyMs = newPodsOf(history, arm)[0]?.readyAtMs ?? whole.untilMs;
  const windowMs = between(history, 'window', 'end').fromMs;
  return {
    before: { fromMs: whole.fromMs, untilMs: changeMs },
    without: { fromMs: changeMs, untilMs: readyMs },
    after: { fromMs: Math.max(readyMs, windowMs), untilMs: whole.untilMs },
  };
}

export const shareTable = (history: History, arms: readonly string[]): ResultTable => ({
  title: "Answers from the client's own node, and calls that failed",
  columns: ['', 'before', 'pod gone', 'pod back'],
  rows: arms.flatMap((arm) => {
    const { clients, tierOf } = placesOf(history, arm);
    const { before, without, after } = partsOf(history, arm);
    const cell = (client: string, part: Part) => {
      const { fromMs, untilMs } = part;
      // What is under way when the pod goes may be answered elsewhere because of it.
      const calls = callsStartedIn(history, arm, fromMs, untilMs).filter(
        (call) => call.source === client && (part !== before || endedMs(call) < untilMs),
      );
      const answered = calls.filter(({ code, pod }) => code === 'OK' && pod !== undefined);
      const failed = calls.length - answered.length;
      if (calls.length === 0) return '–';
      if (answered.length === 0) return `${failed} failed`;
      const own = answered.filter((call) => tierOf(client, call.pod ?? '', startedMs(call)) === OWN_NODE);
      const share = `${((100 * own.length) / answered.length).toFixed(0)}%`;
      return failed === 0 ? share : `${share}, ${failed} failed`;
    };
    return clients
      .toSorted((a, b) => ((a.node ?? '') < (b.node ?? '') ? -1 : 1))
      .map(({ client, node }) => [
        `${arm}, …${(node ?? '?').slice(-7)}`,
        ...[before, without, after].map((part) => cell(client, part)),
      ]);
  }),
});

export const afterTable = (history: History, arms: readonly string[]): ResultTable => ({
  title: 'When the pod on its node was gone, and when there was one again',
  columns: ['', 'call elsewhere started', 'answered', 'local again after Ready'],
  rows: arms.map((arm) => {
    const [move] = movesOf(history, arm);
    const [back] = returnsOf(history, arm);
    const elsewhereMs = move && moveMs(move);
    return [
      arm,
      elsewhereMs === undefined ? 'never' : formatDuration(elsewhereMs),
      elsewhereMs === undefined || move?.firstElsewhere === undefined
        ? 'never'
        : formatDuration(elsewhereMs + tookMs(move.firstElsewhere)),
      back?.backMs === undefined ? 'never' : formatDuration(back.backMs),
    ];
  }),
});
