// The dns-outage experiment: what it asks the cluster for, and its judgement of hand-written histories.
import { describe, expect, it } from 'vitest';
import dnsOutage from '../../scripts/experiments/dns-outage/index.ts';
import type { HistoryEvent } from '../../scripts/history/index.ts';
import { counters, edit, historyOf, mark, type Script, servers, unanswered } from '../support/history.ts';
import { planOf, refusalOf, widthOf } from '../support/plan.ts';

describe('options', () => {
  it.each([
    ['--by gone', 'Allowed choices are down, SERVFAIL, NXDOMAIN, slow.'],
    ['--by slow --delay 2s', '--delay 2.0s is too short for a call to be lost Make it 2.5s or more.'],
    ['--by slow --delay 5s', '--delay 5.0s makes resolvers ask again Make it 4.5s or less.'],
    ['--servers 0', 'It must be a whole number from 1 to 10.'],
    ['--hold 0s', 'It must be'],
    ['--hold 5s', '--hold 5.0s is too short to see who notices It takes two connection ages'],
    [
      '--servers 5',
      '--rate 40 is too low to tell whether 5 pods get even shares It takes 20 calls per pod in 2.0s: --rate 50 or more.',
    ],
  ])('%s is refused', (line, said) => {
    expect(refusalOf(dnsOutage, line)).toContain(said);
  });

  it('have defaults: servers of two arms, clients of seven', () => {
    const { arms, prediction, needs } = planOf(dnsOutage, '');
    expect(needs).toBeUndefined();
    expect(arms.map(({ name, servers, clients, serversOf }) => [name, servers, clients, serversOf])).toEqual([
      ['connected', 2, 1, undefined],
      ['max-age', 2, 1, undefined],
      ['poll', 0, 1, 'connected'],
      ['late', 0, 1, 'connected'],
      ['late-poll', 0, 1, 'connected'],
      ['late-watch', 0, 1, 'connected'],
      ['late-address', 0, 1, 'connected'],
    ]);
    expect(arms.map(({ serverEnv }) => serverEnv.GRPC_MAX_CONNECTION_AGE_MS)).toEqual([
      undefined,
      '4000',
      ...Array(5).fill(undefined),
    ]);
    expect(widthOf(prediction)).toBeLessThanOrEqual(80);
    expect(prediction).toContain('For 15.0s the DNS of the cluster answers everything with SERVFAIL.');
    expect(planOf(dnsOutage, '--by down').prediction).toContain('is down.');
    const slow = planOf(dnsOutage, '--by slow');
    expect(slow.prediction).toContain('takes 3.0s to answer.');
    expect(widthOf(slow.prediction)).toBeLessThanOrEqual(80);
  });
});

const [ASKED_MS, BROKEN_MS, OVER_MS, MENDED_MS, END_MS] = [8500, 10_000, 25_000, 32_000, 80_000];
const MARKS = [
  mark('baseline', 2000),
  mark('DNS broken', BROKEN_MS),
  mark('DNS broken over', OVER_MS),
  mark('DNS mended', MENDED_MS),
  mark('end', END_MS),
];
const NO_NAME = 'Name resolution failed for target dns:///greeter-headless-connected:50051';

/** Of both servers of max-age, a connection every 4 s; or none. */
const reports = (everyMs: number): HistoryEvent[] =>
  ['server-1', 'server-2'].flatMap((pod) =>
    Array.from(
      { length: 16 },
      (_, second): HistoryEvent => ({
        ...counters(pod, BROKEN_MS + second * 1000, {}, false, 'max-age'),
        connections: { open: 1, opened: 1, greeted: Math.floor((second * 1000) / everyMs) },
      }),
    ),
  );

/** Calls of one arm, which fail from then to then. */
function armOf(arm: string, fails: [number, number] | undefined): HistoryEvent[] {
  const script: Script = {
    arm,
    clients: [`client-${arm}`],
    ratePerSecond: 40,
    untilMs: END_MS,
    changeMs: ASKED_MS,
    pods: servers(2, { readyAtMs: 0 }),
    ...(fails && {
      tamper: (call) =>
        call.atMs >= fails[0] && call.atMs < fails[1] ? unanswered(call, 'UNAVAILABLE', NO_NAME) : call,
    }),
  };
  // The fault is marked in one arm, though all feel it.
  return edit(historyOf(script), (event) =>
    event.type === 'fault' && arm !== 'connected' ? undefined : event,
  );
}

const AS_PREDICTED: Record<string, [number, number] | undefined> = {
  connected: undefined,
  'max-age': undefined,
  poll: undefined,
  late: [BROKEN_MS, MENDED_MS + 4000],
  'late-poll': [BROKEN_MS, MENDED_MS + 1000],
  'late-watch': undefined,
  'late-address': undefined,
};

/** What the client of `poll` said in its log, at these times. */
const said = (times: readonly number[]): HistoryEvent[] => {
  const line = { type: 'log', arm: 'poll', source: 'client-poll' } as const;
  const text = 'dns-poll:///x: queryA ESERVFAIL. Keeping the 2 addresses known';
  return [
    { ...line, atMs: 0, text: 'begins' },
    ...times.map((atMs): HistoryEvent => ({ ...line, atMs, text })),
  ];
};

function judge(
  changed: Record<string, [number, number] | undefined> = {},
  { agesEveryMs = 4000, saidMs = [BROKEN_MS + 500] } = {},
) {
  const events = Object.entries({ ...AS_PREDICTED, ...changed }).flatMap(([arm, fails]) => armOf(arm, fails));
  return planOf(dnsOutage, '').judge(
    [...events, ...reports(agesEveryMs), ...said(saidMs), ...MARKS].sort((a, b) => a.atMs - b.atMs),
  );
}

describe('a run', () => {
  it('passes when only those that begin with a name notice', () => {
    const { judgement, findings, tables } = judge();
    expect(judgement.verdict, judgement.reasons.join('\n')).toBe('pass');
    expect(tables?.[0]?.rows).toEqual([
      ['connected', '0 of 600', '–', 'all answered'],
      ['max-age', '0 of 600', '–', 'all answered'],
      ['poll', '0 of 600', '–', 'all answered'],
      ['late', '600 of 600', 'UNAVAILABLE', 'answered after 4.0s'],
      ['late-poll', '600 of 600', 'UNAVAILABLE', 'answered after 1.0s'],
      ['late-watch', '0 of 600', '–', 'all answered'],
      ['late-address', '0 of 600', '–', 'all answered'],
    ]);
    const ofLate = findings.filter(({ arm }) => arm === 'late').map(({ check }) => check);
    expect(ofLate.slice(0, 3)).toEqual([
      'success-share while DNS is broken',
      'lost-with-UNAVAILABLE',
      'no-failed-call',
    ]);
  });

  it.each<[string, string, [number, number] | undefined]>([
    ['a client that is connected loses calls', 'connected', [20_000, 20_500]],
    ['one whose connections end does', 'max-age', [14_000, 14_500]],
    ['a client that begins is answered', 'late', undefined],
    ['it is answered half of the time', 'late', [15_000, MENDED_MS]],
    ['it is not answered in time when DNS is mended', 'late', [BROKEN_MS, MENDED_MS + 42_000]],
    ['a client that polls loses what it knows', 'poll', [14_000, 14_500]],
    ['one that begins to poll is answered', 'late-poll', undefined],
    ['it is not answered soon after', 'late-poll', [BROKEN_MS, MENDED_MS + 4000]],
    ['a client that watches the API notices', 'late-watch', [BROKEN_MS, OVER_MS]],
  ])('fails when %s', (_, arm, fails) => {
    const { judgement } = judge({ [arm]: fails });
    expect(judgement.verdict).toBe('fail');
    expect(
      judgement.reasons.every((reason) => reason.startsWith(`${arm}: `)),
      judgement.reasons.join('\n'),
    ).toBe(true);
  });

  it('fails when no connection ended while DNS was broken: nobody had a name to resolve again', () => {
    const { judgement } = judge({}, { agesEveryMs: 60_000 });
    expect(judgement.verdict).toBe('fail');
    expect(judgement.reasons.join()).toContain('max-age: 0 connections were made anew in 15s');
  });

  it.each<[string, number[], number]>([
    ['does not say that it cannot ask', [], 0],
    ['says it when that is over', [OVER_MS + 100], 0],
    ['has said it before, of something else', [ASKED_MS - 2000], 0],
    ['says it again and again', Array.from({ length: 12 }, (_, second) => BROKEN_MS + second * 1000), 12],
  ])('fails when the client that polls %s', (_, saidMs, times) => {
    const { judgement } = judge({}, { saidMs });
    expect(judgement.verdict).toBe('fail');
    expect(judgement.reasons).toEqual([`poll: "addresses known" was said by client-poll ${times} times`]);
  });

  it('passes when it says so as often as DNS comes and goes, while it breaks and is mended', () => {
    const saidMs = [ASKED_MS + 500, BROKEN_MS - 500, OVER_MS + 100, OVER_MS + 900];
    expect(judge({}, { saidMs }).judgement.verdict).toBe('pass');
  });

  it('cannot tell when the client without a name fails too', () => {
    const { judgement } = judge({ 'late-address': [BROKEN_MS, OVER_MS] });
    expect(judgement.verdict).toBe('unknown');
    expect(judgement.reasons[0]).toContain('the control did not behave as expected: late-address');
  });
});

describe('a run in which DNS is slow', () => {
  /** Calls of the first second run out of time, the others wait for the name. */
  const judgeSlow = (late: [number, number] | undefined) => {
    const events = Object.keys(AS_PREDICTED).flatMap((arm) =>
      edit(armOf(arm, undefined), (event) => {
        if (!['late', 'late-poll'].includes(arm) || event.type !== 'call') return event;
        // It begins when DNS is slow: what it called before is not there.
        if (late && event.atMs >= late[0] && event.atMs < late[1])
          return unanswered({ ...event, latencyMs: 2000 }, 'DEADLINE_EXCEEDED', 'Deadline exceeded');
        return late && event.atMs >= BROKEN_MS && event.atMs < late[1] + 2000
          ? { ...event, latencyMs: late[1] + 2000 - event.atMs }
          : event;
      }),
    );
    return planOf(dnsOutage, '--by slow').judge(
      [...events, ...reports(4000), ...MARKS].sort((a, b) => a.atMs - b.atMs),
    );
  };

  it('passes when only those that begin wait, and not for ever', () => {
    const { judgement } = judgeSlow([BROKEN_MS, BROKEN_MS + 1000]);
    expect(judgement.verdict, judgement.reasons.join('\n')).toBe('pass');
  });

  it('fails when nobody waits, and when they wait too long', () => {
    const none = judgeSlow(undefined);
    expect(none.judgement.verdict).toBe('fail');
    expect(none.judgement.reasons[0]).toContain('late: none of 2,800 calls failed with DEADLINE_EXCEEDED');
    const long = judgeSlow([BROKEN_MS, BROKEN_MS + 5000]);
    expect(long.judgement.verdict).toBe('fail');
    expect(long.judgement.reasons.join()).toContain('late: no answer for 7.0s');
  });
});
