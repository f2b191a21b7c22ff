// The retry experiment: its model and predictions, the runs that it refuses, and its judgement of simulated histories.
import { double, integer, property, record } from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { Judged } from '../../scripts/experiments/experiment.ts';
import retry from '../../scripts/experiments/retry/index.ts';
import { independentFailures, oneSick, overloaded } from '../../scripts/experiments/retry/model.ts';
import { parametersOf } from '../../scripts/experiments/retry/parameters.ts';
import { describePolicies, policyArms } from '../../scripts/experiments/retry/policies.ts';
import { type Call, type HistoryEvent, startedMs } from '../../scripts/history/index.ts';
import { clock, counters, edit, mark, podSeen, unanswered, workloadEnd } from '../support/history.ts';
import { planOf, refusalOf, widthOf } from '../support/plan.ts';
import { holds } from '../support/property.ts';

const once = { attempts: 1, elsewhere: false };
const thrice = { attempts: 3, elsewhere: false };
const elsewhere = { attempts: 3, elsewhere: true };

describe('the model', () => {
  it('of independent failures', () => {
    expect(independentFailures(0.3, once)).toEqual({
      share: 0.7,
      attempts: { mean: 1, mayBeOff: 0, deviation: 0 },
    });
    expect(independentFailures(0.3, thrice).share).toBeCloseTo(0.973);
    expect(independentFailures(0.3, thrice).attempts.mean).toBeCloseTo(1.39);
    expect(independentFailures(0.3, thrice).attempts.deviation).toBeCloseTo(0.646, 3);
    expect(independentFailures(1, thrice)).toEqual({
      share: 0,
      attempts: { mean: 3, mayBeOff: 0, deviation: 0 },
    });
  });

  it('of one sick server: another server is enough', () => {
    expect(oneSick(3, once, 10).share).toBeCloseTo(2 / 3);
    expect(oneSick(3, thrice, 10).share).toBeCloseTo(26 / 27);
    expect(oneSick(3, elsewhere, 10).share).toBe(1);
    const range = (servers: number, burst: number) => {
      const { mean, mayBeOff } = oneSick(servers, elsewhere, burst).attempts;
      return [mean - mayBeOff, mean + mayBeOff];
    };
    expect(range(3, 10)).toEqual([expect.closeTo(1.3), expect.closeTo(1.5)]);
    expect(range(3, 1)).toEqual([expect.closeTo(1), expect.closeTo(1.5)]);
    expect(range(2, 10)).toEqual([expect.closeTo(1.5), expect.closeTo(2)]);
  });

  it('of an overload: what is refused costs, and retries are more of it', () => {
    expect(overloaded(1.25, 0.5, once).share).toBeCloseTo(0.6);
    expect(overloaded(2, 0.5, once).share).toBeCloseTo(0);
    expect(overloaded(1, 0.5, thrice).share).toBe(1);
    expect(overloaded(1.25, 0.5, thrice).share).toBeCloseTo(0);
    expect(overloaded(1.25, 0.5, thrice).attempts.mean).toBeCloseTo(3);
    expect(overloaded(1.25, 0, once).share).toBeCloseTo(0.8);
  });

  test('property: shares are shares, and attempts as many as there may be', () => {
    const any = record({
      failureShare: double({ min: 0, max: 1, noNaN: true }),
      overload: double({ min: 1, max: 5, noNaN: true }),
      cost: double({ min: 0.3, max: 0.99, noNaN: true }),
      attempts: integer({ min: 2, max: 5 }),
      servers: integer({ min: 2, max: 20 }),
    });
    holds(
      property(any, ({ failureShare, overload, cost, attempts, servers }) => {
        const again = { attempts, elsewhere: false };
        for (const { share, attempts: made } of [
          independentFailures(failureShare, again),
          oneSick(servers, { attempts, elsewhere: true }, attempts),
          overloaded(overload, cost, again),
        ]) {
          expect(share).toBeGreaterThanOrEqual(-1e-9);
          expect(share).toBeLessThanOrEqual(1);
          expect(made.mean).toBeGreaterThanOrEqual(1);
          expect(made.mean).toBeLessThanOrEqual(attempts + 1e-9);
          expect(made.deviation).toBeGreaterThanOrEqual(0);
        }
        expect(independentFailures(failureShare, again).share).toBeGreaterThanOrEqual(
          independentFailures(failureShare, once).share,
        );
      }),
    );
  });
});

const defaults = {
  servers: 3,
  rate: 100,
  attempts: 3,
  failureShare: 0.3,
  overload: 1.25,
  refusalCost: 0.5,
  hedgingDelay: 100,
  phase: 10_000,
  deadline: 2000,
  warmup: 10_000,
  seed: 1,
};

describe('the prediction', () => {
  it('reads well', () => {
    const parameters = parametersOf(defaults);
    expect(describePolicies(parameters, policyArms(parameters))).toMatchInlineSnapshot(`
      "Calls that succeed × attempts per call:
                      healthy        failing        sick           overload
      none            100.0% × 1.00  70.0% × 1.00   66.7% × 1.00   60.0% × 1.00
      retry           100.0% × 1.00  97.3% × 1.39   ~96.3% × 1.44  ~0.0% × 3.00
      retry-elsewhere 100.0% × 1.00  97.3% × 1.39   100.0% × 1.3–1.5~0.0% × 3.00
      hedging         100.0% × 1.00  97.3% × 1.39   ~96.3% × 1.44  ~0.0% × 3.00
      throttled       100.0% × 1.00  70.0% × 1.00   66.7% × 1.00   60.0% × 1.00
      failing: every server fails 30.0% of attempts, independently: of calls with up
        to 3 attempts 1 − 0.3^3 succeed.
      sick: one of 3 servers fails everything. A retry of grpc-js may go to it
        again, one of grpc-kit does not. Retries take turns of the others, so the sick
        one may get more first attempts than its share.
      overload: 1.25 times the calls that servers can do, and a refused call costs
        them 0.5 of a served one. Retries add to the load until nothing is served;
        throttling stops them.
      ~ is what independent attempts would make of it: half of the difference from
        no policy is asked for."
    `);
  });

  test('property: it fits into 80 columns', () => {
    const any = record({
      servers: integer({ min: 2, max: 10 }),
      attempts: integer({ min: 2, max: 5 }),
      failureShare: integer({ min: 1, max: 99 }).map((percent) => percent / 100),
      overload: integer({ min: 101, max: 999 }).map((percent) => percent / 100),
      refusalCost: integer({ min: 0, max: 99 }).map((percent) => percent / 100),
    });
    holds(
      property(any, (changed) => {
        const parameters = parametersOf({ ...defaults, ...changed });
        expect(widthOf(describePolicies(parameters, policyArms(parameters)))).toBeLessThanOrEqual(80);
      }),
    );
  });
});

describe('options', () => {
  it.each([
    ['--servers 1', 'It must be a whole number from 2 to 10.'],
    ['--attempts 6', 'It must be a whole number from 2 to 5.'],
    ['--failure-share 1.5', 'It must be a number from 0 to 1.'],
    ['--failure-share half', 'It must be a number from 0 to 1.'],
    ['--refusal-cost 1', 'It must be a number from 0 to 0.99.'],
    ['--failure-share 0', 'what retries gain could be chance Make --failure-share larger'],
    ['--failure-share 1', 'what retries gain could be chance'],
    ['--failure-share 0.15', '--failure-share 0.15 does not drain the tokens of throttling'],
    ['--rate 10 --burst 1', 'in 75 calls with --failure-share 0.3 what retries gain could be chance'],
    ['--overload 1', '--overload 1 is none Make it larger than 1'],
    ['--overload 3', '--overload 3 with --refusal-cost 0.5 leaves nothing for retries to make worse'],
    ['--refusal-cost 0', '--overload 1.25 with --refusal-cost 0 leaves nothing for retries to make worse'],
    ['--phase 4s', '--phase 4.0s is too short Make it 5.0s or more: the first 2.0s are not counted.'],
    ['--hedging-delay 2s', '--hedging-delay 2.0s is not within --deadline 2.0s'],
    ['--burst 11', '--burst 11 at --rate 100 leaves fewer than 10 bursts a second'],
  ])('%s is refused', (line, said) => {
    expect(refusalOf(retry, line)).toContain(said);
  });

  it('have defaults: five arms, and gaps in which tokens come back', () => {
    const { parameters, arms } = planOf(retry, '');
    expect(parameters).toMatchObject({ ratePerSecond: 100, burst: 10, gapMs: 3000, phaseMs: 10_000 });
    expect(arms.map(({ name }) => name)).toEqual([
      'none',
      'retry',
      'retry-elsewhere',
      'hedging',
      'throttled',
    ]);
    expect(planOf(retry, '--rate 50').parameters).toMatchObject({ gapMs: 4000 });
  });
});

type Phase = 'healthy' | 'failing' | 'sick' | 'overload';
type Outcome = { ok: boolean; attempts: number };
const STARTS: Record<Phase, number> = { healthy: 0, failing: 10_000, sick: 23_000, overload: 36_000 };
const RECOVERED_MS = 46_000;
const UNTIL_MS = 51_000;

/** The same as chance would give it, but of no chance: `seq` decides. */
const outOf = (seq: number, of: number, share: number) => (seq % of) / of < share;

const retried = (failureShare: number, seq: number): Outcome => {
  // 27 of 1000, 63 more on the second retry, 210 more on the first.
  const draw = (seq * 377) % 1000;
  const third = 1000 * failureShare ** 3;
  const second = 1000 * failureShare ** 2;
  const first = 1000 * failureShare;
  if (draw < third) return { ok: false, attempts: 3 };
  if (draw < second) return { ok: true, attempts: 3 };
  return { ok: true, attempts: draw < first ? 2 : 1 };
};
const plain = (failureShare: number, seq: number): Outcome => ({
  ok: !outOf(seq * 7, 10, failureShare),
  attempts: 1,
});
const never: Outcome = { ok: false, attempts: 3 };

type Behaviour = (phase: Phase, seq: number) => Outcome;
const asNone: Behaviour = (phase, seq) =>
  ({
    healthy: { ok: true, attempts: 1 },
    failing: plain(0.3, seq),
    sick: { ok: seq % 3 !== 0, attempts: 1 },
    overload: plain(0.4, seq),
  })[phase];
const asRetry: Behaviour = (phase, seq) =>
  ({
    healthy: { ok: true, attempts: 1 },
    failing: retried(0.3, seq),
    sick: retried(1 / 3, seq),
    overload: never,
  })[phase];
const asElsewhere: Behaviour = (phase, seq) =>
  phase === 'sick' ? { ok: true, attempts: seq % 8 < 3 ? 2 : 1 } : asRetry(phase, seq);

const AS_PREDICTED: Record<string, Behaviour> = {
  none: asNone,
  retry: asRetry,
  'retry-elsewhere': asElsewhere,
  hedging: asRetry,
  throttled: asNone,
};

function historyWith(behaviours: Record<string, Behaviour>, tamper = (call: Call) => call): HistoryEvent[] {
  const arms = Object.entries(behaviours).flatMap(([arm, behaviour]) => armOf(arm, behaviour, tamper));
  const marks = [
    mark('baseline', STARTS.healthy),
    ...(['failing', 'sick', 'overload'] as const).flatMap((phase) => [
      mark(phase, STARTS[phase]),
      mark(`${phase} over`, STARTS[phase] + 10_000),
    ]),
    mark('recovered', RECOVERED_MS),
    mark('end', UNTIL_MS),
  ];
  return [...arms, ...marks].sort((a, b) => a.atMs - b.atMs);
}

function armOf(arm: string, behaviour: Behaviour, tamper: (call: Call) => Call): HistoryEvent[] {
  const client = `client-${arm}`;
  const phaseAt = (atMs: number) =>
    (Object.keys(STARTS) as Phase[]).findLast(
      (phase) => atMs >= STARTS[phase] && atMs < STARTS[phase] + 10_000,
    ) ?? 'healthy';
  const calls = Array.from({ length: UNTIL_MS / 10 }, (_, seq): Call => {
    const { ok, attempts } = behaviour(phaseAt(seq * 10), seq);
    return tamper({
      type: 'call',
      arm,
      source: client,
      seq,
      atMs: seq * 10,
      lateMs: 0,
      latencyMs: 5,
      pod: 'server-1',
      previousAttempts: attempts - 1,
      ...(ok ? { code: 'OK' } : { code: 'UNAVAILABLE', message: 'told to fail' }),
    });
  });
  const perIndex = [0, 1, 2].map((before) =>
    calls.filter(({ previousAttempts = 0 }) => previousAttempts >= before),
  );
  return [
    clock(client),
    podSeen(client, 0, { arm, app: 'greeter-client' }),
    podSeen('server-1', 0, { arm }),
    {
      type: 'fault',
      source: 'driver',
      atMs: STARTS.failing - 50,
      arm,
      fault: 'failing',
      phase: 'inject-asked',
      detail: '',
    },
    ...calls,
    counters('server-1', UNTIL_MS + 10, { [client]: perIndex.map(({ length }) => length) }, true, arm),
    workloadEnd(client, UNTIL_MS + 10, calls.length, {}, arm),
  ];
}

const judge = (history: HistoryEvent[]): Judged => planOf(retry, '').judge(history);
const failed = ({ findings }: Judged) =>
  findings.filter(({ verdict }) => verdict === 'fail').map(({ arm, check }) => `${arm} ${check}`);
const inPhase = (phase: Phase, instead: Outcome, otherwise: Behaviour): Behaviour => {
  return (now, seq) => (now === phase ? instead : otherwise(now, seq));
};

describe('a run', () => {
  it('passes when every policy does as predicted, and shows what each gave and cost', () => {
    const judged = judge(historyWith(AS_PREDICTED));
    expect(judged.judgement.verdict, judged.judgement.reasons.join('\n')).toBe('pass');
    const [table] = judged.tables ?? [];
    expect(table?.columns).toEqual(['', 'healthy', 'failing', 'sick', 'overload']);
    expect(table?.rows[0]).toEqual([
      'none',
      '100.0% × 1.00',
      '70.0% × 1.00',
      '66.7% × 1.00',
      expect.any(String),
    ]);
    expect(table?.rows[1]?.slice(0, 3)).toEqual([
      'retry',
      '100.0% × 1.00',
      expect.stringMatching(/^97.\d% × 1.39$/),
    ]);
    expect(table?.rows[1]?.at(-1)).toBe('0.0% × 3.00');
  });

  it.each<[string, string, Behaviour, string[]]>([
    [
      'retries gain nothing',
      'retry',
      inPhase('failing', { ok: false, attempts: 3 }, asRetry),
      ['retry success-share failing', 'retry amplification failing', 'retry compared failing'],
    ],
    [
      'retries gain more than they can',
      'retry',
      inPhase('failing', { ok: true, attempts: 1 }, asRetry),
      ['retry success-share failing', 'retry amplification failing'],
    ],
    [
      'a retry goes to the sick one again',
      'retry-elsewhere',
      asRetry,
      ['retry-elsewhere success-share sick'],
    ],
    [
      'retries do not make it worse',
      'retry',
      inPhase('overload', { ok: true, attempts: 1 }, asRetry),
      ['retry compared overload'],
    ],
    [
      'throttling does not stop retries',
      'throttled',
      inPhase('overload', never, asNone),
      ['throttled success-share overload', 'throttled amplification overload', 'throttled compared overload'],
    ],
    [
      'throttling gives way to retries',
      'throttled',
      (phase, seq) => (phase === 'failing' ? retried(0.3, seq) : asNone(phase, seq)),
      ['throttled success-share failing', 'throttled amplification failing'],
    ],
  ])('fails when %s', (_, arm, behaviour, checks) => {
    const judged = judge(historyWith({ ...AS_PREDICTED, [arm]: behaviour }));
    expect(failed(judged)).toEqual(checks);
    expect(judged.judgement.verdict).toBe('fail');
  });

  it('fails when it does not recover', () => {
    const broken = historyWith(AS_PREDICTED, (made) =>
      made.arm === 'retry' && startedMs(made) === 50_000 ? { ...made, code: 'UNAVAILABLE' } : made,
    );
    expect(failed(judge(broken))).toEqual(['retry no-failed-call']);
  });

  it('cannot tell when the control does not do as the model says', () => {
    const judged = judge(
      historyWith({ ...AS_PREDICTED, none: inPhase('overload', { ok: true, attempts: 1 }, asNone) }),
    );
    expect(judged.judgement.verdict).not.toBe('pass');
    const sick = judge(
      historyWith({ ...AS_PREDICTED, none: inPhase('sick', { ok: false, attempts: 1 }, asNone) }),
    );
    expect(sick.judgement).toMatchObject({ verdict: 'unknown' });
    expect(sick.judgement.reasons.join()).toContain('the control did not behave as expected');
  });

  it('cannot tell when all was not well before, or an attempt is not accounted for', () => {
    const ill = historyWith(AS_PREDICTED, (made) =>
      made.arm === 'hedging' && made.seq === 500 ? unanswered(made) : made,
    );
    expect(judge(ill).judgement.verdict).toBe('unknown');
    const more = edit(historyWith(AS_PREDICTED), (e) =>
      e.type === 'counters' && e.arm === 'none'
        ? counters('server-1', e.atMs, { 'client-none': [UNTIL_MS / 10 + 1] }, true, 'none')
        : e,
    );
    expect(judge(more).judgement.verdict).toBe('unknown');
  });
});
