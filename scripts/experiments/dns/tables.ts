// Answers over time: by action, by question, by pod that left, and as curves.
import { outcomeOf, type Probe } from '../../checks/index.ts';
import { formatDuration } from '../../common/duration.ts';
import {
  answeredAddresses,
  answeredAfterMs,
  between,
  type History,
  leavingAtMs,
  podsOf,
  readyAddresses,
  SERVER_APP,
} from '../../history/index.ts';
import type { Plot, ResultTable } from '../../report/index.ts';
import { doneOf } from './moments.ts';
import { ARM, type Fact, WATCHED } from './names.ts';
import type { Parameters } from './parameters.ts';

const NOTHING = '–';

/** When an action had all its effect, on the slices and on the answer. */
export function answerTable(history: History, parameters: Parameters): ResultTable {
  const slices = readyAddresses(history, WATCHED.headless);
  const answers = answeredAddresses(history, WATCHED.headless);
  const countAt = (name: string, atMs: number) => {
    const answer = answeredAddresses(history, name).findLast(({ fromMs }) => fromMs <= atMs);
    return answer === undefined ? NOTHING : (answer.failed ?? `${answer.addresses.length}`);
  };
  return {
    title:
      'Since each change was asked for: slices, then the answer of the headless name; addresses of all names',
    columns: ['', 'slices', 'answer', 'delay', 'headless', 'published', 'VIP'],
    rows: doneOf(history, parameters).map(({ name, askedMs, untilMs }) => {
      const last = slices.findLast(({ fromMs }) => fromMs >= askedMs && fromMs < untilMs);
      const delayMs = last && answeredAfterMs(last, answers);
      return [
        name,
        last === undefined ? NOTHING : formatDuration(last.fromMs - askedMs),
        last === undefined || delayMs === undefined
          ? NOTHING
          : formatDuration(last.fromMs + delayMs - askedMs),
        delayMs === undefined ? NOTHING : formatDuration(delayMs),
        ...Object.values(WATCHED).map((watched) => countAt(watched, untilMs)),
      ];
    }),
  };
}

type Asked = { fact: Fact; probe: Probe | undefined };

export const factTable = (asked: readonly Asked[]): ResultTable => ({
  title: 'What else is different without a virtual IP',
  columns: ['', 'expected', 'found'],
  rows: asked.map(({ fact, probe }) => [
    `${fact.when === 'pods' ? '' : 'no pods: '}${fact.asks}`,
    fact.expected.join('/'),
    probe === undefined ? NOTHING : outcomeOf(probe),
  ]),
});

/** How long an address is still answered when its pod is on its way, and when it is gone. */
export function leavingTable(history: History): ResultTable {
  const left = podsOf(history, ARM, SERVER_APP).filter((pod) => leavingAtMs(pod) !== undefined);
  const until = (name: string, ip: string | undefined, afterMs: number) =>
    answeredAddresses(history, name).findLast(
      ({ addresses, fromMs }) => fromMs <= afterMs + STALE_MS && addresses.includes(ip ?? ''),
    )?.untilMs;
  const since = (fromMs: number | undefined, atMs: number | undefined) => {
    if (fromMs === undefined || atMs === undefined || !Number.isFinite(atMs)) return NOTHING;
    const ms = atMs - fromMs;
    return ms < 0 ? `${formatDuration(-ms)} before` : `${formatDuration(ms)} after`;
  };
  return {
    title:
      'Pods that left: when their address was last answered, since they were told to and since they were gone',
    columns: ['', 'headless: told', 'gone', 'published: gone'],
    rows: left.map((pod) => {
      const leavingMs = leavingAtMs(pod) ?? 0;
      const headlessMs = until(WATCHED.headless, pod.ip, leavingMs);
      const publishedMs = until(WATCHED.published, pod.ip, leavingMs);
      return [
        `…${pod.pod.slice(-5)}`,
        since(leavingMs, headlessMs),
        since(pod.goneAtMs, headlessMs),
        since(pod.goneAtMs, publishedMs),
      ];
    }),
  };
}

/** Later answers with the same address are another pod's. */
const STALE_MS = 1000;

const SAMPLE_MS = 250;

/** How many addresses each name had: sampled, so that steps stay steps. */
export function addressPlot(history: History): Plot {
  const { fromMs, untilMs } = between(history, 'baseline', 'end');
  const samples = Math.max(0, Math.floor((untilMs - fromMs) / SAMPLE_MS));
  const sampled = (spans: readonly { fromMs: number; untilMs: number; addresses: string[] }[]) =>
    Array.from({ length: samples }, (_, index): [number, number | null] => {
      const atMs = fromMs + index * SAMPLE_MS;
      const now = spans.find((span) => span.fromMs <= atMs && atMs < span.untilMs);
      return [(index * SAMPLE_MS) / 1000, now?.addresses.length ?? null];
    });
  return {
    title: 'Addresses that each name answered',
    x: { label: 'seconds' },
    y: { label: 'addresses' },
    series: [
      { name: 'ready in slices', points: sampled(readyAddresses(history, WATCHED.headless)) },
      ...Object.entries(WATCHED).map(([role, name]) => ({
        name: role,
        points: sampled(answeredAddresses(history, name)),
      })),
    ],
  };
}
