// The outage experiment: its predictions, the runs that it refuses, and its judgement of hand-written histories.
import { integer, property, record } from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { Judged } from '../../scripts/experiments/experiment.ts';
import outage from '../../scripts/experiments/outage/index.ts';
import { type Parameters, parametersOf } from '../../scripts/experiments/outage/parameters.ts';
import {
  CONTROL,
  describeArms,
  longestRecoveryMs,
  outageArms,
  plansOf,
} from '../../scripts/experiments/outage/ways.ts';
import type { Call, HistoryEvent } from '../../scripts/history/index.ts';
import { edit, historyOf, mark, podSeen, servers } from '../support/history.ts';
import { planOf, refusalOf, widthOf } from '../support/plan.ts';
import { holds } from '../support/property.ts';

const OPTIONS = {
  ...{ servers: 2, hold: 10_000, dnsFloor: 30_000, poll: 30_000, reconnectBackoff: 1000, rate: 20 },
  ...{ freshRate: 5, burst: 2, deadline: 2000, waitDeadline: 5000, seed: 1 },
};
const defaults: Parameters = parametersOf(OPTIONS, longestRecoveryMs);
const arms = outageArms(defaults);
const armNamed = (name: string) =>
  arms.find((arm) => arm.name === name) ?? expect.fail(`there is no ${name}`);

describe('what is predicted', () => {
  it('is up to the floor for new addresses, as long again for those that stay, seconds for who is told', () => {
    const recoveryOf = (name: string) => armNamed(name).recovery;
    expect(recoveryOf('zero-headless')).toEqual({ withinMs: 32_000, orDownAndMs: 5000, mayHang: true });
    expect(recoveryOf('zero-headless-wait')).toEqual(recoveryOf('zero-headless'));
    expect(recoveryOf('replaced-headless')).toEqual(recoveryOf('zero-headless'));
    expect(recoveryOf('restarted-headless')).toEqual({ withinMs: 0, orDownAndMs: 5000, mayHang: false });
    expect(recoveryOf('zero-clusterip')).toEqual({ withinMs: 0, orDownAndMs: 5000, mayHang: true });
    expect(recoveryOf('restarted-clusterip').mayHang).toBe(false);
    expect(recoveryOf('zero-dns-poll')).toEqual({ withinMs: 35_000, mayHang: false });
    for (const name of ['zero-watch', 'zero-fresh', 'replaced-watch']) {
      expect(recoveryOf(name)).toEqual({ withinMs: 2000, mayHang: false });
    }
    expect(longestRecoveryMs(defaults)).toBe(35_000);
    expect(longestRecoveryMs({ dnsFloorMs: 3000, pollMs: 2000, holdMs: 4000 })).toBe(17_000);
  });

  it('reads well', () => {
    expect(describeArms(defaults)).toMatchInlineSnapshot(`
      "What clients see in three outages:
      zero: no replica for 10.0s; replaced: all pods deleted at once, others come
        with other addresses; restarted: all containers killed, the same pods come
        back with the same addresses. No client is restarted, and once answered again
        no call fails.
      headless: calls fail at once with "No connection established. Last error: …",
        ECONNREFUSED at zero: a connected client keeps the addresses that it has,
        though DNS knows none. New ones are found within 30.0s of Ready where DNS
        still had the old ones when it was asked last, and within as long again as it
        was down, and 5.0s, where it had none: then it is asked at growing intervals,
        like connections are tried. The same addresses need no DNS.
      headless-wait: the same, but calls wait: they end with DEADLINE_EXCEEDED after
        5.0s or well.
      clusterip: one address that stays: within as long again as it was down, and
        5.0s, for new pods too.
      fresh: a channel for each call says "Name resolution failed for target …", and
        is well 2.0s after Ready at most.
      dns-poll: DNS is asked every 30.0s ±10%, and when a connection cannot be made:
        up to that after Ready.
      watch: the API tells it: up to 2.0s after Ready (of the same address, when it
        may connect again).
      undisturbed: its servers stay, and no call fails.
      headless, headless-wait, clusterip, and dns-poll until its next answer, can
        hang instead, for two minutes: where they connect to a pod that is dying, and
        packets to it get lost. Then a socket waits in SYN_SENT, and calls run out of
        time."
    `);
  });

  test('property: it fits into 80 columns', () => {
    const any = record({
      hold: integer({ min: 1, max: 10_000_000 }),
      dnsFloor: integer({ min: 0, max: 10_000_000 }),
      poll: integer({ min: 1, max: 10_000_000 }),
    });
    holds(
      property(any, (each) => {
        const parameters = parametersOf({ ...OPTIONS, ...each }, longestRecoveryMs);
        expect(widthOf(describeArms(parameters))).toBeLessThanOrEqual(80);
      }),
    );
  });
});

describe('the arms', () => {
  it('are ways in outages, on the servers of that outage, and a control on its own', () => {
    const plans = plansOf(defaults, arms);
    expect(plans).toHaveLength(13);
    expect(plans.filter(({ servers: own }) => own > 0).map(({ name, servers: own }) => [name, own])).toEqual([
      ['zero-headless', 2],
      ['replaced-headless', 2],
      ['restarted-headless', 2],
      [CONTROL, 1],
    ]);
    expect(plans.reduce((sum, plan) => sum + plan.servers + plan.clients, 0)).toBe(20);
    expect(armNamed('replaced-watch').client).toMatchObject({
      stack: 'kit',
      target: 'kubernetes:///greeter-headless-replaced-headless.grpc-kind-lab:grpc',
    });
    expect(armNamed('restarted-clusterip').client.target).toBe('dns:///greeter-restarted-headless:50051');
    expect(armNamed('zero-fresh').client).toMatchObject({ channelPer: 'call', ratePerSecond: 5 });
    expect(armNamed('zero-headless-wait').client).toMatchObject({ waitForReady: true, deadlineMs: 5000 });
  });
});

describe('options', () => {
  it.each([
    ['--hold 2s', '--hold 2.0s is over before all have noticed'],
    ['--wait-deadline 2s', '--wait-deadline 2.0s is no longer than --deadline 2.0s'],
    ['--burst 20', 'leaves fewer than 10 bursts a second'],
    ['--fresh-rate 30', '--fresh-rate 30 is above --rate 20'],
    ['--window 30s', '--window 30.0s ends before the longest of the predictions does It takes 35.0s'],
    ['--reconnect-backoff 0s', 'It must be more than 0s.'],
  ])('%s is refused', (line, said) => {
    expect(refusalOf(outage, line)).toContain(said);
  });

  it('have defaults: a floor passes before the outages, and the longest prediction after them', () => {
    const { parameters, prediction } = planOf(outage, '');
    expect(parameters).toEqual(defaults);
    expect(parameters).toMatchObject({ warmupMs: 27_000, windowMs: 38_000 });
    expect(prediction).toBe(describeArms(defaults));
  });
});

const CHANGE_MS = 5000;
const READY_MS = { zero: 18_000, replaced: 8000, restarted: 7000 };
const END_MS = 60_000;
const RECOVERY_MS: Record<string, number> = {
  'zero-headless': 20_000,
  'zero-headless-wait': 20_000,
  'zero-clusterip': 6000,
  'zero-fresh': 200,
  'zero-dns-poll': 25_000,
  'zero-watch': 100,
  'replaced-headless': 25_000,
  'replaced-clusterip': 1000,
  'replaced-watch': 100,
  'restarted-headless': 1500,
  'restarted-clusterip': 1500,
  'restarted-watch': 900,
};
const MESSAGES: Record<string, string> = {
  fresh: 'Name resolution failed for target dns:///x:50051',
  watch: 'Service x has no endpoint that is ready',
};
const REFUSED =
  'round_robin: No connection established. Last error: Error: connect ECONNREFUSED 10.0.0.1:50051';

type World = {
  recovery?: Record<string, number>;
  tamper?: (arm: string, call: Call) => Call;
};

function historyWith({ recovery = {}, tamper }: World = {}): HistoryEvent[] {
  const waits = { ...RECOVERY_MS, ...recovery };
  const disturbed = arms.flatMap(({ name: arm, kind, way, client }) => {
    const readyMs = READY_MS[kind];
    const againMs = readyMs + (waits[arm] ?? 0);
    const failed = (made: Call): Call =>
      made.code === 'OK'
        ? made
        : way === 'headless-wait'
          ? { ...made, code: 'DEADLINE_EXCEEDED', message: 'Deadline exceeded', latencyMs: 5000 }
          : { ...made, message: MESSAGES[way] ?? REFUSED };
    const script = {
      arm,
      clients: [`client-${arm}`],
      ratePerSecond: client.ratePerSecond,
      changeMs: CHANGE_MS,
      untilMs: END_MS,
      tamper: (made: Call) => tamper?.(arm, failed(made)) ?? failed(made),
      choose: (_: string, called: readonly { pod: string; ip: string; readyAtMs: number }[], atMs: number) =>
        atMs >= CHANGE_MS + 100 && atMs < againMs ? [] : called,
    };
    if (kind !== 'restarted') {
      return historyOf({
        ...script,
        pods: [
          ...servers(2, { readyAtMs: 0, terminatingAtMs: CHANGE_MS + 100, goneAtMs: CHANGE_MS + 500 }),
          ...servers(2, { readyAtMs: readyMs }, 3),
        ],
      });
    }
    return [
      ...historyOf({ ...script, pods: servers(2, { readyAtMs: 0 }) }),
      ...['1', '2'].flatMap((n) => [
        podSeen(`server-${n}`, CHANGE_MS + 200, { arm, ip: `10.0.0.${n}`, ready: false }),
        podSeen(`server-${n}`, readyMs, { arm, ip: `10.0.0.${n}`, restarts: 1 }),
      ]),
    ];
  });
  const still = historyOf({
    arm: CONTROL,
    clients: ['client-still'],
    ratePerSecond: 20,
    untilMs: END_MS,
    pods: servers(1, { readyAtMs: 0 }),
    tamper: (made) => tamper?.(CONTROL, made) ?? made,
  }).filter(({ type }) => type !== 'fault');
  return [...disturbed, ...still, mark('baseline', 1000), mark('end', END_MS)].sort(
    (a, b) => a.atMs - b.atMs,
  );
}

const judge = (history: HistoryEvent[]): Judged => planOf(outage, '').judge(history);
const verdicts = ({ findings }: Judged, verdict: string) =>
  findings.filter((finding) => finding.verdict === verdict).map(({ arm, check }) => `${arm} ${check}`);

describe('a run', () => {
  it('passes when every arm is as predicted, and shows ways by outages', () => {
    const judged = judge(historyWith());
    expect(judged.judgement.verdict, judged.judgement.reasons.join('\n')).toBe('pass');
    const [recovery, lost, said] = (judged.tables ?? []).map(
      ({ rows }) => new Map(rows.map(([head = '', ...cells]) => [head, cells])),
    );
    expect(recovery?.get('headless')).toEqual([
      expect.stringMatching(/^20\.0s \(down 12\.9s\)$/),
      expect.stringMatching(/^25\.0s \(down 2\.9s\)$/),
      expect.stringMatching(/^1\.5s \(down 1\.9s\)$/),
    ]);
    expect(lost?.get('headless-wait')).toEqual([expect.stringMatching(/^\d+ of \d+$/), '', '']);
    expect(said?.get('zero-headless-wait')?.[0]).toMatch(/^\d+ DEADLINE_EXCEEDED$/);
    expect(said?.get('zero-fresh')?.[1]).toBe('Name resolution failed for target …');
    expect(said?.get('zero-clusterip')?.[1]).toBe(
      'No connection established. Last error: Error: connect ECONNREFUSED …',
    );
  });

  it.each([
    ['zero-headless', 33_000],
    ['replaced-clusterip', 9000],
    ['restarted-headless', 8000],
    ['zero-watch', 2500],
    ['zero-fresh', 2500],
    ['zero-dns-poll', 36_000],
  ])('fails when %s takes %s ms', (arm, recoveryMs) => {
    const judged = judge(historyWith({ recovery: { [arm]: recoveryMs } }));
    expect(judged.judgement.verdict).toBe('fail');
    expect(verdicts(judged, 'fail')).toEqual([`${arm} answered-again`]);
  });

  it('fails when a connected client forgets its addresses, or a fresh one never says why', () => {
    const forgets = judge(
      historyWith({
        tamper: (arm, made) =>
          arm === 'zero-headless' && made.code !== 'OK' ? { ...made, message: MESSAGES.fresh ?? '' } : made,
      }),
    );
    expect(verdicts(forgets, 'fail')).toEqual(['zero-headless failures-say']);
    const silent = judge(
      historyWith({
        tamper: (arm, made) =>
          arm === 'zero-fresh' && made.code !== 'OK' ? { ...made, message: REFUSED } : made,
      }),
    );
    expect(verdicts(silent, 'fail')).toEqual(['zero-fresh failures-say']);
  });

  it('fails when another answers', () => {
    const judged = judge(
      historyWith({
        tamper: (arm, made) =>
          arm === 'zero-watch' && made.seq === 40 ? { ...made, pod: 'stranger' } : made,
      }),
    );
    expect(judged.findings).toContainEqual(
      expect.objectContaining({
        check: 'nobody-else-called',
        arm: 'zero-watch',
        message: expect.stringContaining('stranger'),
      }),
    );
    expect(judged.judgement.verdict).not.toBe('pass');
  });

  it('fails when calls fail once a client is back', () => {
    const judged = judge(
      historyWith({
        tamper: (arm, made) =>
          arm === 'zero-watch' && made.seq === 1000 ? { ...made, code: 'UNAVAILABLE', message: 'x' } : made,
      }),
    );
    expect(verdicts(judged, 'fail')).toEqual(['zero-watch no-failed-call']);
  });

  it('cannot tell when the control lost a call, pods did not do as they should, or a record is missing', () => {
    const disturbed = historyWith({
      tamper: (arm, made) =>
        arm === CONTROL && made.seq === 500 ? { ...made, code: 'UNAVAILABLE', message: 'x' } : made,
    });
    expect(judge(disturbed).judgement).toMatchObject({
      verdict: 'unknown',
      reasons: [expect.stringContaining('the control did not behave as expected')],
    });
    const once = edit(historyWith(), (event) =>
      event.type === 'pod' && event.restarts > 0 && event.arm === 'restarted-watch'
        ? { ...event, restarts: 0 }
        : event,
    );
    expect(judge(once).judgement.verdict).toBe('unknown');
    const lost = edit(historyWith(), (e) =>
      e.type === 'call' && e.arm === 'zero-fresh' && e.seq === 20 ? undefined : e,
    );
    expect(judge(lost).judgement.verdict).toBe('unknown');
  });
});
