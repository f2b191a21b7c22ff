// The resolver experiment: its predictions, the runs that it refuses, and its judgement of hand-written histories.
import { array, integer, property, record } from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { Judged } from '../../scripts/experiments/experiment.ts';
import resolver from '../../scripts/experiments/resolver/index.ts';
import {
  describeWays,
  longestBoundMs,
  scalingOrder,
  waysOf,
} from '../../scripts/experiments/resolver/ways.ts';
import type { Call, HistoryEvent } from '../../scripts/history/index.ts';
import { CHANGE_MS, END_MS, edit, historyOf, mark, servers, unanswered } from '../support/history.ts';
import { planOf, refusalOf, widthOf } from '../support/plan.ts';
import { holds } from '../support/property.ts';

const timing = { maxConnectionAgeMs: 10_000, dnsFloorMs: 30_000, pollsMs: [5000, 30_000] };
const boundOf = (name: string, changed: Partial<typeof timing> = {}) =>
  waysOf({ ...timing, ...changed }).find((way) => way.name === name)?.prediction.boundMs;

describe('what is predicted', () => {
  it('follows from age and floor, from the interval, or from nothing but the API', () => {
    expect(boundOf('dns-max-age')).toBe(32_000);
    expect(boundOf('dns-max-age', { maxConnectionAgeMs: 60_000 })).toBe(68_000);
    expect(boundOf('dns-poll-5s')).toBe(7500);
    expect(boundOf('dns-poll-500ms', { pollsMs: [500] })).toBe(2550);
    expect(boundOf('watch')).toBe(1500);
    expect(longestBoundMs(timing)).toBe(35_000);
  });

  it('is never for the control', () => {
    const control = waysOf(timing).at(-1);
    expect(control).toMatchObject({
      name: 'dns-only',
      serverAgeMs: undefined,
      prediction: { kind: 'never' },
    });
  });

  it('reads well', () => {
    expect(describeWays(waysOf(timing))).toMatchInlineSnapshot(`
      "From a new pod's Ready to the first call on it, and none fails:
      dns-max-age: 0ms to 32.0s. It asks DNS again when a connection is lost (max
        age 10.0s ±10%), but not within 30.0s of the last time: any wait up to 30.0s
        is about equally likely.
      dns-poll-5s: 0ms to 7.5s. It asks DNS every 5.0s ±10%: any wait up to that is
        about equally likely.
      dns-poll-30s: 0ms to 35.0s. It asks DNS every 30.0s ±10%: any wait up to that
        is about equally likely.
      watch: 0ms to 1.5s. The API tells it of each change: tens of milliseconds, and
        one second more when the EndpointSlice controller has to try again, about once
        in six additions.
      dns-only: never: no connection is lost, and nothing else makes it ask DNS
        again."
    `);
  });

  test('property: it fits into 80 columns', () => {
    const any = record({
      maxConnectionAgeMs: integer({ min: 1, max: 10_000_000 }),
      dnsFloorMs: integer({ min: 0, max: 10_000_000 }),
      pollsMs: array(integer({ min: 100, max: 10_000_000 }), { maxLength: 5 }),
    });
    holds(
      property(any, (each) => {
        expect(widthOf(describeWays(waysOf(each)))).toBeLessThanOrEqual(80);
      }),
    );
  });
});

describe('the order of changes', () => {
  it('takes slow ways together and first, the closest measured last and alone', () => {
    expect(scalingOrder(waysOf(timing))).toEqual([
      ['dns-max-age', 'dns-poll-30s', 'dns-only'],
      ['dns-poll-5s'],
      ['watch'],
    ]);
    const short = waysOf({ maxConnectionAgeMs: 2000, dnsFloorMs: 2000, pollsMs: [1000] });
    expect(scalingOrder(short)).toEqual([['dns-max-age'], ['dns-only'], ['dns-poll-1s'], ['watch']]);
  });
});

describe('options', () => {
  it.each([
    ['--from 4 --to 4', '--to 4 adds no pod to --from 4 Make --to larger'],
    ['--poll 50ms', '--poll 50ms is too short Make it 100ms or more.'],
    ['--poll 5s,5000ms', '--poll names the same interval twice'],
    ['--poll 1s,2s,3s,4s,5s,6s', 'Name 1 to 5 of them, as 5s,30s.'],
    ['--poll soon', '"soon" is not a duration'],
    ['--poll 0s', 'It must be more than 0s.'],
    ['--burst 10', '--burst 10 at --rate 60 leaves fewer than 10 bursts a second Make it 6 or less.'],
    ['--rate 19', 'to tell whether 2 pods get even shares before the change'],
    ['--window 34s', '--window 34.0s ends before the longest of the predictions does It takes 35.0s'],
    ['--max-connection-age off', 'is invalid'],
  ])('%s is refused', (line, said) => {
    expect(refusalOf(resolver, line)).toContain(said);
  });

  it('have defaults: five arms, and a window as long as the longest prediction', () => {
    const { parameters, arms, prediction } = planOf(resolver, '');
    expect(parameters).toMatchObject({ from: 2, to: 4, ratePerSecond: 60, windowMs: 35_000 });
    expect(arms.map(({ name }) => name)).toEqual([
      'dns-max-age',
      'dns-poll-5s',
      'dns-poll-30s',
      'watch',
      'dns-only',
    ]);
    const ages = arms.map(({ serverEnv }) => serverEnv.GRPC_MAX_CONNECTION_AGE_MS);
    expect(ages).toEqual(['10000', undefined, undefined, undefined, undefined]);
    expect(arms.every(({ serverEnv }) => 'GRPC_MAX_CONNECTION_AGE_MS' in serverEnv)).toBe(true);
    expect(prediction).toBe(describeWays(waysOf(timing)));
  });

  it('follow each other', () => {
    const plan = planOf(resolver, '--poll 1s --max-connection-age 2s --dns-floor 2s');
    expect(plan.arms).toHaveLength(4);
    expect(plan.parameters.windowMs).toBe(4200);
  });
});

/** How long after Ready each arm's client calls the new pods; undefined: never. */
const WAITS: Record<string, number | undefined> = {
  'dns-max-age': 20_000,
  'dns-poll-5s': 3000,
  'dns-poll-30s': 25_000,
  watch: 50,
  'dns-only': undefined,
};
const READY_MS = CHANGE_MS + 2000;

/** All arms, each with the wait that it has here. */
const historyWith = (
  waits: Record<string, number | undefined>,
  tamper?: (call: Call) => Call,
): HistoryEvent[] =>
  [
    ...Object.entries(waits).flatMap(([arm, waitMs]) =>
      historyOf({
        arm,
        clients: [`client-${arm}`],
        ratePerSecond: 40,
        pods: [
          ...servers(2, { readyAtMs: 0 }),
          ...servers(
            2,
            { readyAtMs: READY_MS, calledFromMs: waitMs === undefined ? END_MS : READY_MS + waitMs },
            3,
          ),
        ],
        ...(tamper ? { tamper } : {}),
      }),
    ),
    mark('baseline', 1000),
    mark('change', CHANGE_MS),
    mark('end', END_MS),
  ].sort((a, b) => a.atMs - b.atMs);

const judge = (history: HistoryEvent[]): Judged => planOf(resolver, '').judge(history);
const verdicts = ({ findings }: Judged, verdict: string) =>
  findings.filter((finding) => finding.verdict === verdict).map(({ arm, check }) => `${arm} ${check}`);

describe('a run', () => {
  it('passes when every arm is as predicted, and shows the waits', () => {
    const judged = judge(historyWith(WAITS));
    expect(judged.judgement.verdict, judged.judgement.reasons.join('\n')).toBe('pass');
    const [table] = judged.tables ?? [];
    expect(table?.columns).toEqual(['', 'new pods', 'min', 'median', 'max', 'predicted']);
    const about = (start: string) => expect.stringMatching(new RegExp(`^${start}\\.[01]s$`));
    const row = (arm: string, start: string, predicted: string) => [
      arm,
      '2',
      ...Array(3).fill(about(start)),
      predicted,
    ];
    expect(table?.rows).toEqual([
      row('dns-max-age', '20', 'up to 32.0s'),
      row('dns-poll-5s', '3', 'up to 7.5s'),
      row('dns-poll-30s', '25', 'up to 35.0s'),
      ['watch', '2', ...Array(3).fill(expect.stringMatching(/^\d\d\d?ms$/)), 'up to 1.5s'],
      ['dns-only', '2', '–', '–', 'never', 'never'],
    ]);
  });

  it.each([
    ['dns-max-age', 33_000],
    ['dns-poll-5s', 8000],
    ['dns-poll-30s', 36_000],
    ['watch', 1600],
    ['watch', undefined],
  ])('fails when %s takes %s ms', (arm, waitMs) => {
    const judged = judge(historyWith({ ...WAITS, [arm]: waitMs }));
    expect(judged.judgement.verdict).toBe('fail');
    expect(verdicts(judged, 'fail')).toEqual([`${arm} new-pods-served`, `${arm} within-prediction`]);
  });

  it('fails when a call fails', () => {
    const judged = judge(
      historyWith(WAITS, (made) => (made.arm === 'watch' && made.seq === 2000 ? unanswered(made) : made)),
    );
    expect(judged.judgement.verdict).toBe('fail');
    expect(verdicts(judged, 'fail')).toEqual(['watch no-failed-call']);
  });

  it('cannot tell when the control found its new pods, when load was uneven before, or a record is missing', () => {
    expect(judge(historyWith({ ...WAITS, 'dns-only': 5000 })).judgement).toMatchObject({
      verdict: 'unknown',
      reasons: [expect.stringContaining('the control did not behave as expected')],
    });
    const uneven = historyWith(WAITS, (made) =>
      made.arm === 'watch' && made.atMs < CHANGE_MS ? { ...made, pod: 'server-1' } : made,
    );
    expect(judge(uneven).judgement.verdict).toBe('unknown');
    const lost = edit(historyWith(WAITS), (e) =>
      e.type === 'call' && e.arm === 'dns-poll-5s' && e.seq === 100 ? undefined : e,
    );
    expect(judge(lost).judgement.verdict).toBe('unknown');
    const unseen = edit(historyWith(WAITS), (e) => ('arm' in e && e.arm === 'watch' ? undefined : e));
    expect(judge(unseen).judgement.verdict).toBe('unknown');
  });
});
