// The rolling-restart experiment: its predictions, the runs that it refuses, and its judgement of hand-written histories.
import { integer, property, record } from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { Judged } from '../../scripts/experiments/experiment.ts';
import {
  describeArms,
  plansOf,
  restartArms,
  restartOrder,
} from '../../scripts/experiments/rolling-restart/arms.ts';
import rollingRestart from '../../scripts/experiments/rolling-restart/index.ts';
import { parametersOf } from '../../scripts/experiments/rolling-restart/parameters.ts';
import type { Call, HistoryEvent } from '../../scripts/history/index.ts';
import { CHANGE_MS, END_MS, edit, historyOf, mark, servers, unanswered } from '../support/history.ts';
import { planOf, refusalOf, widthOf } from '../support/plan.ts';
import { holds } from '../support/property.ts';

const OPTIONS = {
  ...{ servers: 2, maxSurge: 1, maxUnavailable: 1, drain: 15_000, shortDrain: 4000, readyAfter: 8000 },
  ...{ dnsFloor: 30_000, rate: 30, burst: 2, latency: 100, deadline: 2000, seed: 1 },
};
const defaults = parametersOf(OPTIONS);
const arms = restartArms(defaults);
const expectedOf = (name: string, parameters = defaults) =>
  restartArms(parameters).find((arm) => arm.name === name)?.expected;

describe('what is predicted', () => {
  it('is an outage for what is left of the floor when the last old pod goes', () => {
    expect(expectedOf('no-drain')).toEqual({ kind: 'outage', fromMs: 20_000, toMs: 32_000 });
    expect(expectedOf('slow-ready')).toEqual({ kind: 'outage', fromMs: 12_000, toMs: 24_000 });
    const short = parametersOf({ ...OPTIONS, dnsFloor: 9000, readyAfter: 5000 });
    expect(expectedOf('slow-ready', short)).toEqual({ kind: 'outage', fromMs: 1000, toMs: 6000 });
  });

  it('is none, or few, for those that find new pods in time', () => {
    const none = arms.filter(({ expected }) => expected.kind === 'none').map(({ name }) => name);
    expect(none).toEqual(['drain', 'slow-ready-floor-1s', 'slow-ready-watch', 'slow-ready-surge']);
    expect(expectedOf('drain-no-retry')).toEqual({ kind: 'few', most: 7 });
    expect(expectedOf('force')).toMatchObject({ code: 'CANCELLED' });
    expect(expectedOf('no-drain-no-retry')).toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('reads well', () => {
    expect(describeArms(defaults, arms)).toMatchInlineSnapshot(`
      "What each arm loses to a rolling restart:
      All 2 pods of each Deployment are replaced, 1 of which may be missing and 1
        too many at a time (of the default, 25% of each, 4 replicas make 1 and 1, 3
        make 0 and 1). Slow pods are Ready 8.0s after they have started, others at
        once.
      drain: no call fails: a pod that has to go serves on for 15.0s, by when a new
        one is Ready: the client asks DNS when the first connection is closed, and
        finds it.
      drain-no-retry: at most 7 calls fail: only calls that cross a GOAWAY on their
        way can be refused, and nearly all of those are sent again anyway.
      no-drain: no answer for 20.0s to 32.0s: the first pod is gone at once; DNS is
        asked at that moment, when no new pod is Ready, and not again for 30.0s. A
        retry finds no server either.
      no-drain-no-retry: no answer for 20.0s to 32.0s: the same, and what is in
        flight is lost too.
      force: no answer for 20.0s to 32.0s: the same, and what is in flight ends with
        CANCELLED, which a retry on UNAVAILABLE does not cover.
      slow-ready: no answer for 12.0s to 24.0s: the drain of 4.0s is over before a
        new pod is Ready: the client finds old ones only, all of which go before DNS
        may be asked again. Neither drain nor retry helps.
      slow-ready-floor-1s: no call fails: DNS is asked again whenever a connection
        is lost, and retries outlast the asking.
      slow-ready-watch: no call fails: the API tells of a new pod as soon as it is
        Ready.
      slow-ready-surge: no call fails: with maxUnavailable 0 no pod has to go before
        a new one is Ready, so whoever asks DNS then finds that."
    `);
  });

  test('property: it fits into 80 columns', () => {
    const any = record({
      drain: integer({ min: 0, max: 20_000 }),
      readyAfter: integer({ min: 1, max: 10_000_000 }),
      dnsFloor: integer({ min: 0, max: 10_000_000 }),
      servers: integer({ min: 2, max: 10 }),
    });
    holds(
      property(any, (each) => {
        const parameters = parametersOf({ ...OPTIONS, ...each });
        expect(widthOf(describeArms(parameters, restartArms(parameters)))).toBeLessThanOrEqual(80);
      }),
    );
  });
});

describe('the arms', () => {
  it('share servers where only their clients differ', () => {
    const plans = plansOf(defaults, arms);
    expect(plans.filter(({ servers: own }) => own > 0).map(({ name }) => name)).toEqual([
      ...['drain', 'no-drain', 'force', 'slow-ready', 'slow-ready-surge'],
    ]);
    expect(plans.map(({ serversOf }) => serversOf).filter(Boolean)).toEqual([
      ...['drain', 'no-drain', 'slow-ready', 'slow-ready'],
    ]);
    const slow = plans.find(({ name }) => name === 'slow-ready');
    expect(slow?.serverEnv).toMatchObject({
      READY_AFTER_MS: '8000',
      DRAIN: 'graceful',
      DRAIN_DELAY_MS: '4000',
    });
    const surge = plans.find(({ name }) => name === 'slow-ready-surge');
    expect(surge?.serverRollout).toEqual({ maxSurge: 1, maxUnavailable: 0 });
    expect(plans.every(({ serverEnv }) => serverEnv.GRPC_MAX_CONNECTION_AGE_MS === undefined)).toBe(true);
  });

  it('are restarted in two groups', () => {
    expect(restartOrder(arms)).toEqual([
      ['no-drain', 'force'],
      ['drain', 'slow-ready', 'slow-ready-surge'],
    ]);
  });
});

describe('options', () => {
  it.each([
    ['--max-unavailable 0', '--max-unavailable 0 leaves no pod to go before a new one is Ready'],
    ['--max-unavailable 3', '--max-unavailable 3 is more than --servers 2'],
    ['--drain 25s', "--drain 25.0s does not fit into the pods' grace period of 30s"],
    ['--short-drain 16s', '--short-drain 16.0s is longer than --drain 15.0s'],
    ['--short-drain 8s', '--ready-after 8.0s is within --short-drain 8.0s: no pod is slow'],
    ['--dns-floor 10s', '--dns-floor 10.0s is over by the time slow pods are Ready'],
    ['--burst 20', 'leaves fewer than 10 bursts a second'],
    ['--rate 19 --burst 1', 'to tell whether 2 pods get even shares before the change'],
    ['--latency 2s', 'leaves no call within --deadline 2.0s'],
    ['--latency 10ms', 'leaves pods without a call to cut'],
    ['--servers 1', 'is invalid'],
  ])('%s is refused', (line, said) => {
    expect(refusalOf(rollingRestart, line)).toContain(said);
  });

  it('have defaults: a floor passes before the restarts and after them', () => {
    const { parameters, prediction } = planOf(rollingRestart, '');
    expect(parameters).toEqual(defaults);
    expect(parameters).toMatchObject({ warmupMs: 23_000, baselineMs: 8000, windowMs: 39_000 });
    expect(prediction).toBe(describeArms(defaults, arms));
  });
});

type Fate = {
  /** From when to when nobody answers. */
  silent?: [number, number];
  tamper?: (call: Call) => Call;
};

const READY_MS = { fast: CHANGE_MS + 3000, slow: CHANGE_MS + 9000 };
const FATES: Record<string, Fate> = {
  drain: {},
  'drain-no-retry': { tamper: (made) => (made.seq === 600 ? unanswered(made) : made) },
  'no-drain': { silent: [13_000, 40_000] },
  'no-drain-no-retry': { silent: [13_000, 40_000] },
  force: {
    silent: [13_000, 40_000],
    tamper: (made) => (made.seq === 400 ? unanswered(made, 'CANCELLED', 'Call cancelled') : made),
  },
  'slow-ready': { silent: [23_000, 44_000] },
  'slow-ready-floor-1s': {},
  'slow-ready-watch': {},
  'slow-ready-surge': {},
};

function historyWith(fates: Record<string, Fate> = FATES): HistoryEvent[] {
  return [
    ...Object.entries(fates).flatMap(([arm, { silent, tamper }]) => {
      const [fromMs, untilMs] = silent ?? [END_MS, END_MS];
      const readyAtMs = arm.startsWith('slow') ? READY_MS.slow : READY_MS.fast;
      const leave = arm.endsWith('surge') ? readyAtMs + 10 : CHANGE_MS + 100;
      return historyOf({
        arm,
        clients: [`client-${arm}`],
        ratePerSecond: 40,
        pods: [
          ...servers(1, { readyAtMs: 0, terminatingAtMs: leave, goneAtMs: leave + 4000 }),
          ...servers(1, { readyAtMs: 0, terminatingAtMs: readyAtMs + 20, goneAtMs: readyAtMs + 4000 }, 2),
          ...servers(2, { readyAtMs }, 3),
        ],
        choose: (_client, called, atMs) => (atMs >= fromMs && atMs < untilMs ? [] : called),
        ...(tamper ? { tamper } : {}),
      });
    }),
    mark('baseline', 1000),
    mark('change', CHANGE_MS),
    mark('end', END_MS),
  ].sort((a, b) => a.atMs - b.atMs);
}

const judge = (history: HistoryEvent[]): Judged => planOf(rollingRestart, '').judge(history);
const verdicts = ({ findings }: Judged, verdict: string) =>
  findings.filter((finding) => finding.verdict === verdict).map(({ arm, check }) => `${arm} ${check}`);

describe('a run', () => {
  it('passes when every arm is as predicted, and shows what each lost', () => {
    const judged = judge(historyWith());
    expect(judged.judgement.verdict, judged.judgement.reasons.join('\n')).toBe('pass');
    const [table] = judged.tables ?? [];
    const rows = new Map(table?.rows.map(([head = '', ...cells]) => [head, cells]));
    expect([...rows.keys()]).toEqual(arms.map(({ name }) => name));
    expect(rows.get('drain')).toEqual(['0 of 2000', '–', expect.stringMatching(/ms$/), 'no call fails']);
    expect(rows.get('force')?.slice(0, 3)).toEqual([
      '1081 of 2000',
      '1080 UNAVAILABLE, 1 CANCELLED',
      '27.0s',
    ]);
    expect(table?.heat?.values).toHaveLength(arms.length);
  });

  const lostOne: Fate = { tamper: (made) => (made.seq === 700 ? unanswered(made) : made) };
  it.each<[string, Fate, string[]]>([
    ['drain', lostOne, ['drain no-failed-call']],
    ['slow-ready-watch', lostOne, ['slow-ready-watch no-failed-call']],
    ['slow-ready-surge', { silent: [20_000, 40_000] }, ['slow-ready-surge no-failed-call']],
    ['drain-no-retry', { silent: [20_000, 20_500] }, ['drain-no-retry few-calls-lost']],
    ['slow-ready', {}, ['slow-ready silence-length']],
    ['slow-ready', { silent: [23_000, 55_000] }, ['slow-ready silence-length']],
    ['force', { silent: [13_000, 40_000] }, ['force lost-with-CANCELLED']],
  ])('fails when %s is otherwise', (arm, fate, failed) => {
    const judged = judge(historyWith({ ...FATES, [arm]: fate }));
    expect(judged.judgement.verdict).toBe('fail');
    expect(verdicts(judged, 'fail')).toEqual(failed);
  });

  it('cannot tell when the control lost nothing, pods were late, load was uneven, or a record is missing', () => {
    expect(judge(historyWith({ ...FATES, 'no-drain': {} })).judgement).toMatchObject({
      verdict: 'unknown',
      reasons: [expect.stringContaining('the control did not behave as expected')],
    });
    const late = edit(historyWith(), (event) =>
      event.type === 'pod' && event.arm === 'drain' && ['server-3', 'server-4'].includes(event.pod)
        ? { ...event, ready: event.ready && event.atMs > 40_000 }
        : event,
    );
    expect(judge(late).judgement.verdict).toBe('unknown');
    const uneven = historyWith({
      ...FATES,
      'slow-ready-watch': { tamper: (made) => (made.atMs < CHANGE_MS ? { ...made, pod: 'server-1' } : made) },
    });
    expect(judge(uneven).judgement.verdict).toBe('unknown');
    const lost = edit(historyWith(), (e) =>
      e.type === 'call' && e.arm === 'drain' && e.seq === 100 ? undefined : e,
    );
    expect(judge(lost).judgement.verdict).toBe('unknown');
  });
});
