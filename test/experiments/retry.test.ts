// The retry experiment: its model and predictions, the runs that it refuses, and its judgement of simulated histories.
import { array, double, integer, property, record } from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { Judged } from '../../scripts/experiments/experiment.ts';
import { describePolicies } from '../../scripts/experiments/retry/describe.ts';
import retry from '../../scripts/experiments/retry/index.ts';
import {
  allButOneSick,
  independentFailures,
  overloaded,
  tippingOf,
} from '../../scripts/experiments/retry/model.ts';
import { parametersOf } from '../../scripts/experiments/retry/parameters.ts';
import { phasesOf } from '../../scripts/experiments/retry/phases.ts';
import { policyArms } from '../../scripts/experiments/retry/policies.ts';
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

  it('of all servers sick but one: who goes elsewhere finds it, who goes anywhere does not always', () => {
    expect(allButOneSick(3, once, 10).share).toBeCloseTo(1 / 3);
    expect(allButOneSick(3, thrice, 10).share).toBeCloseTo(19 / 27);
    expect(allButOneSick(3, elsewhere, 10).share).toBe(1);
    expect(allButOneSick(2, { attempts: 2, elsewhere: false }, 10).share).toBeCloseTo(3 / 4);
    const range = (servers: number, burst: number, policy = elsewhere) => {
      const { mean, mayBeOff } = allButOneSick(servers, policy, burst).attempts;
      return [mean - mayBeOff, mean + mayBeOff];
    };
    expect(range(3, 10)).toEqual([expect.closeTo(1.6), expect.closeTo(3)]);
    expect(range(3, 1)).toEqual([expect.closeTo(1), expect.closeTo(3)]);
    expect(range(2, 10)).toEqual([expect.closeTo(1.5), expect.closeTo(2)]);
    expect(range(3, 10, thrice)).toEqual([expect.closeTo(5 / 3), expect.closeTo(23 / 9)]);
  });

  it.each([
    [1, 0.1],
    [3, 0.3],
    [10, 1],
  ])('of turns: with bursts of %i what really comes is within it', (burst, spread) => {
    for (const policy of [thrice, elsewhere]) {
      const { share, shareMayBeOff = 0, attempts } = allButOneSick(3, policy, burst);
      const dealt = inTurn({ servers: 3, burst, policy, spreadMs: spread });
      expect(Math.abs(dealt.share - share)).toBeLessThanOrEqual(shareMayBeOff + 1e-9);
      expect(Math.abs(dealt.attempts - attempts.mean)).toBeLessThanOrEqual(attempts.mayBeOff + 0.02);
    }
  });

  it('of an overload: what is refused costs, and retries are more of it', () => {
    expect(overloaded(1.25, 0.5, once).share).toBeCloseTo(0.6);
    expect(overloaded(2, 0.5, once).share).toBeCloseTo(0);
    expect(overloaded(1, 0.5, thrice).share).toBe(1);
    expect(overloaded(1.25, 0.5, thrice).share).toBeCloseTo(0);
    expect(overloaded(1.25, 0.5, thrice).attempts.mean).toBeCloseTo(3);
    expect(overloaded(1.25, 0, once).share).toBeCloseTo(0.8);
  });

  it('of servers that were down before: retries keep them down, below what they can do', () => {
    expect(overloaded(0.8, 0.5, thrice).share).toBe(1);
    expect(overloaded(0.8, 0.5, thrice, 'down').share).toBeCloseTo(0);
    expect(overloaded(0.6, 0.5, thrice, 'down').share).toBeCloseTo(1);
    expect(overloaded(0.8, 0.5, once, 'down').share).toBe(1);
    expect(tippingOf(0.5, thrice)).toEqual({ from: expect.closeTo(2 / 3, 3), to: 1 });
    expect(tippingOf(0.5, { attempts: 5, elsewhere: false })).toEqual({
      from: expect.closeTo(0.4, 3),
      to: 1,
    });
    expect(tippingOf(0.5, once)).toEqual({ from: 1, to: 1 });
    expect(tippingOf(0, thrice)).toEqual({ from: 1, to: 1 });
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
          allButOneSick(Math.min(servers, attempts), { attempts, elsewhere: true }, attempts),
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

type Dealt = { servers: number; burst: number; policy: typeof thrice; spreadMs: number };

/** All servers but the first fail what comes to them: 100 calls a second, dealt in turn, retried after 20 and 40 ms. */
function inTurn({ servers, burst, policy, spreadMs }: Dealt): { share: number; attempts: number } {
  const calls = 3000;
  let turn = 0;
  let [ok, attempts] = [0, 0];
  const due = Array.from({ length: calls }, (_, n) => ({
    atMs: Math.floor(n / burst) * burst * 10,
    n,
    tried: [] as number[],
  }));
  while (due.length > 0) {
    due.sort((a, b) => a.atMs - b.atMs);
    const call = due.shift();
    if (!call) break;
    let server = turn++ % servers;
    while (policy.elsewhere && call.tried.includes(server)) server = turn++ % servers;
    attempts += 1;
    if (server === 0) ok += 1;
    else if (call.tried.length + 1 < policy.attempts) {
      // As jitter does, but the same each time.
      const jitter = 0.8 + ((call.n * 7 + call.tried.length * 3) % 40) / 100;
      const backoffMs = 20 * 2 ** call.tried.length * jitter;
      due.push({ ...call, atMs: call.atMs + backoffMs + spreadMs, tried: [...call.tried, server] });
    }
  }
  return { share: ok / calls, attempts: attempts / calls };
}

const defaults = {
  rate: 100,
  attempts: 3,
  failureShare: 0.3,
  overloads: [0.5, 0.8, 1.1, 1.25],
  refusalCost: 0.5,
  hedgingDelay: 100,
  phase: 10_000,
  step: 7000,
  deadline: 2000,
  warmup: 10_000,
  seed: 1,
};

describe('the prediction', () => {
  it('reads well', () => {
    const parameters = parametersOf(defaults);
    expect(describePolicies(parameters, policyArms(parameters))).toMatchInlineSnapshot(`
      "Calls that succeed × attempts per call:
                      healthy        failing        sick
      none            100.0% × 1.00  70.0% × 1.00   33.3% × 1.00
      retry           100.0% × 1.00  97.3% × 1.39   55.6%–85.2% × 1.7–2.6
      retry-elsewhere 100.0% × 1.00  97.3% × 1.39   100.0% × 1.6–3.0
      hedging         100.0% × 1.00  97.3% × 1.39   ~70.4% × 2.11
      throttled       100.0% × 1.00  70.0% × 1.00   33.3% × 1.00
      The same by how many calls are made, over those that servers can do:
              none          retry         retry-elsewhere hedging       throttled
      0.5     100.0% × 1.00 100.0% × 1.00 100.0% × 1.00   100.0% × 1.00 100.0% × 1.00
      0.8     100.0% × 1.00 0–100% × 1–3  0–100% × 1–3    0–100% × 1–3  100.0% × 1.00
      1.1     81.8% × 1.00  ?0.0% × 3.00  ?0.0% × 3.00    ?0.0% × 3.00  81.8% × 1.00
      1.25    60.0% × 1.00  ~0.0% × 3.00  ~0.0% × 3.00    ~0.0% × 3.00  60.0% × 1.00
      failing: every server fails 30.0% of attempts, independently: of calls with up
        to 3 attempts 1 − 0.3^3 succeed.
      sick: all but one of 3 servers fail everything. A retry of grpc-js may go to a
        sick one again: by chance 29.6% of calls would go to 3 of them in a row; turns
        are no dice, so half as many more or less may. One of grpc-kit goes elsewhere
        each time and finds the healthy one. At least half of 29.6 points are to be
        between the two.
      overload: a refused call costs 0.5 of a served one, and retries are more
        calls. Up to 1 they do no harm while all is well, but from 0.67 on servers
        that are down for a moment stay down: somewhere in between retries become
        worse than none. Throttling stops them: never worse than none.
      ~ is what independent attempts would make of it: half of the difference from
        no policy is asked for. What has a ? is asked for by nothing but where retries
        become worse."
    `);
  });

  test('property: it fits into 80 columns', () => {
    const any = record({
      attempts: integer({ min: 2, max: 5 }),
      failureShare: integer({ min: 1, max: 99 }).map((percent) => percent / 100),
      overloads: array(
        integer({ min: 5, max: 999 }).map((percent) => percent / 100),
        { minLength: 2, maxLength: 5 },
      ),
      refusalCost: integer({ min: 0, max: 99 }).map((percent) => percent / 100),
    });
    holds(
      property(any, (changed) => {
        const parameters = parametersOf({ ...defaults, ...changed });
        expect(widthOf(describePolicies(parameters, policyArms(parameters)))).toBeLessThanOrEqual(80);
      }),
    );
  });

  it('asks for nothing where chance decides: near what servers can do, and while tokens last', () => {
    const parameters = parametersOf({ ...defaults, overloads: [0.5, 1, 1.05, 1.1, 1.25] });
    const kinds = Object.fromEntries(
      policyArms(parameters).map(({ name, expected }) => [
        name,
        phasesOf(parameters).map((phase) => expected(phase).kind),
      ]),
    );
    expect(kinds.none).toEqual(['exact', 'exact', 'exact', 'open', 'open', 'exact', 'exact']);
    expect(kinds.throttled).toEqual(kinds.none);
    expect(kinds.retry).toEqual(['exact', 'exact', 'about', 'open', 'open', 'open', 'about']);
    expect(kinds.hedging).toEqual(['exact', 'about', 'about', 'open', 'open', 'open', 'about']);
  });

  it('lets a step be either that is too near to 1 to be seen, or makes too little difference', () => {
    const toOf = (changed: object) =>
      policyArms(parametersOf({ ...defaults, ...changed })).find(({ name }) => name === 'retry')?.tipping?.to;
    expect(toOf({})).toBe(1);
    expect(toOf({ overloads: [0.5, 1.02, 1.25] })).toBe(1.02);
    expect(toOf({ overloads: [0.5, 1.1, 2.5], refusalCost: 0.1 })).toBe(1.1);
  });
});

describe('options', () => {
  it.each([
    ['--servers 1', 'It must be a whole number from 2 to 5.'],
    ['--servers 6', 'It must be a whole number from 2 to 5.'],
    ['--servers 4', '--attempts 3 are too few to find the one of --servers 4 that is healthy Take 3 servers'],
    ['--servers 2', 'with --servers 2 and --attempts 3 a retry that goes anywhere does as well as'],
    ['--servers 3 --attempts 5', 'does as well as one that goes elsewhere Take 5 servers: of calls only 13%'],
    ['--attempts 6', 'It must be a whole number from 2 to 5.'],
    ['--failure-share 1.5', 'It must be a number from 0 to 1.'],
    ['--failure-share half', 'It must be a number from 0 to 1.'],
    ['--refusal-cost 1', 'It must be a number from 0 to 0.99.'],
    ['--failure-share 0', 'what retries gain could be chance Make --failure-share larger'],
    ['--failure-share 1', 'what retries gain could be chance'],
    ['--failure-share 0.15', '--failure-share 0.15 does not drain the tokens of throttling'],
    ['--rate 10 --burst 1', '35 calls in a step are too few, 100 are needed Make --rate larger, or --step.'],
    [
      '--rate 10 --burst 1 --step 20s',
      'in 65 calls with --failure-share 0.3 what retries gain could be chance',
    ],
    ['--overloads 0.5,much', 'It must be a number from 0.05 to 100.'],
    ['--overloads 0.1,0.2,0.3,0.4,0.5,2', 'Name 1 to 5 of them, as 0.5,0.8.'],
    ['--overloads 1.25', '--overloads wants two or more, each once'],
    ['--overloads 0.5,1.25,0.5', '--overloads wants two or more, each once'],
    ['--overloads 0.5,1', '--overloads up to 1 are none Let the last be larger than 1'],
    ['--overloads 0.5,1.05', 'leave nothing for retries to make worse, or for throttling to stop'],
    [
      '--overloads 0.5,3',
      '--overloads up to 3 with --refusal-cost 0.5 leave nothing for retries to make worse',
    ],
    ['--refusal-cost 0', '--overloads up to 1.25 with --refusal-cost 0 leave nothing for retries'],
    [
      '--overloads 0.8,1.25',
      '--overloads from 0.8: with 3 attempts one moment of trouble could keep servers down Let the first be 0.59 or less',
    ],
    ['--attempts 5', '--overloads from 0.5: with 5 attempts'],
    ['--phase 5s', '--phase 5.0s is too short Make it 6.0s or more: the first 3.0s are not counted.'],
    ['--step 5s', '--step 5.0s is too short Make it 6.0s or more'],
    ['--hedging-delay 2s', '--hedging-delay 2.0s is not within --deadline 2.0s'],
    ['--burst 11', '--burst 11 at --rate 100 leaves fewer than 10 bursts a second'],
  ])('%s is refused', (line, said) => {
    expect(refusalOf(retry, line)).toContain(said);
  });

  it('have defaults: five arms, as many servers as attempts, and gaps in which tokens come back', () => {
    const { parameters, arms } = planOf(retry, '');
    expect(parameters).toMatchObject({
      servers: 3,
      ratePerSecond: 100,
      burst: 10,
      gapMs: 3000,
      phaseMs: 10_000,
      stepMs: 7000,
      overloads: [0.5, 0.8, 1.1, 1.25],
    });
    expect(arms.map(({ name }) => name)).toEqual([
      'none',
      'retry',
      'retry-elsewhere',
      'hedging',
      'throttled',
    ]);
    expect(planOf(retry, '--rate 50').parameters).toMatchObject({ gapMs: 4000 });
    expect(planOf(retry, '--attempts 4 --overloads 1.25,0.4').parameters).toMatchObject({
      servers: 4,
      overloads: [0.4, 1.25],
    });
  });
});

type Outcome = { ok: boolean; attempts: number };
const FAILING_MS = 7000;
/** When phases begin, and how long they are. */
const PHASES: Record<string, [number, number]> = {
  failing: [FAILING_MS, 10_000],
  sick: [20_000, 10_000],
  'overload 0.5': [33_000, 7000],
  'overload 0.8': [43_000, 7000],
  'overload 1.1': [53_000, 7000],
  'overload 1.25': [63_000, 7000],
};
const RECOVERED_MS = 70_000;
const UNTIL_MS = 76_000;

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
const well: Outcome = { ok: true, attempts: 1 };
const never: Outcome = { ok: false, attempts: 3 };

type Behaviour = (phase: string, seq: number) => Outcome;
const asNone: Behaviour = (phase, seq) =>
  ({
    failing: plain(0.3, seq),
    sick: { ok: seq % 3 === 0, attempts: 1 },
    'overload 1.1': plain(0.2, seq),
    'overload 1.25': plain(0.4, seq),
  })[phase] ?? well;
const asRetry: Behaviour = (phase, seq) =>
  ({
    failing: retried(0.3, seq),
    sick: retried(2 / 3, seq),
    'overload 1.1': never,
    'overload 1.25': never,
  })[phase] ?? well;
const asElsewhere: Behaviour = (phase, seq) =>
  phase === 'sick' ? { ok: true, attempts: 1 + (seq % 3) } : asRetry(phase, seq);

const AS_PREDICTED: Record<string, Behaviour> = {
  none: asNone,
  retry: asRetry,
  'retry-elsewhere': asElsewhere,
  hedging: asRetry,
  throttled: asNone,
};

function historyWith(behaviours: Record<string, Behaviour>, tamper = (call: Call) => call): HistoryEvent[] {
  const arms = Object.entries(behaviours).flatMap(([arm, behaviour]) => armOf(arm, behaviour, tamper));
  const marks = Object.entries(PHASES).flatMap(([phase, [atMs, lengthMs]]) => [
    mark(phase, atMs),
    mark(`${phase} over`, atMs + lengthMs),
  ]);
  const ends = [mark('baseline', 0), mark('recovered', RECOVERED_MS), mark('end', UNTIL_MS)];
  return [...arms, ...marks, ...ends].sort((a, b) => a.atMs - b.atMs);
}

function armOf(arm: string, behaviour: Behaviour, tamper: (call: Call) => Call): HistoryEvent[] {
  const client = `client-${arm}`;
  const phaseAt = (atMs: number) =>
    Object.entries(PHASES).find(
      ([, [fromMs, lengthMs]]) => atMs >= fromMs && atMs < fromMs + lengthMs,
    )?.[0] ?? 'healthy';
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
      atMs: FAILING_MS - 50,
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
const messageOf = ({ findings }: Judged, arm: string, check: string) =>
  findings.find((finding) => finding.arm === arm && finding.check === check)?.message;
const inPhases = (phases: string[], instead: Outcome, otherwise: Behaviour): Behaviour => {
  return (now, seq) => (phases.includes(now) ? instead : otherwise(now, seq));
};

describe('a run', () => {
  it('passes when every policy does as predicted, and shows what each gave and cost', () => {
    const judged = judge(historyWith(AS_PREDICTED));
    expect(judged.judgement.verdict, judged.judgement.reasons.join('\n')).toBe('pass');
    const [troubles, sweep] = judged.tables ?? [];
    expect(troubles?.columns).toEqual(['', 'healthy', 'failing', 'sick']);
    expect(troubles?.rows[0]).toEqual([
      'none',
      '100.0% × 1.00',
      expect.stringMatching(/^(69|70|71).\d% × 1.00$/),
      expect.stringMatching(/^33.\d% × 1.00$/),
    ]);
    expect(troubles?.rows[1]?.slice(0, 3)).toEqual([
      'retry',
      '100.0% × 1.00',
      expect.stringMatching(/^97.\d% × 1.(39|40)$/),
    ]);
    expect(sweep?.columns).toEqual(['', ...Object.keys(AS_PREDICTED)]);
    expect(sweep?.rows.map(([at, none, again]) => [at, none, again])).toEqual([
      ['0.5', '100.0% × 1.00', '100.0% × 1.00'],
      ['0.8', '100.0% × 1.00', '100.0% × 1.00'],
      ['1.1', '80.0% × 1.00', '0.0% × 3.00'],
      ['1.25', '60.0% × 1.00', '0.0% × 3.00'],
    ]);
  });

  it('says between which steps retries become worse than none, and draws it', () => {
    const judged = judge(historyWith(AS_PREDICTED));
    expect(messageOf(judged, 'retry', 'worse-from-none')).toBe(
      'becomes worse than none between 0.8 and 1.1 (0.5: 100.0% / 100.0%, 0.8: 100.0% / 100.0%, ' +
        '1.1: 0.0% / 80.0%, 1.25: 0.0% / 60.0%), expected somewhere between 0.67 and 1.00',
    );
    expect(messageOf(judged, 'throttled', 'worse-from-none')).toContain('nowhere worse than none');
    const [plot] = judged.plots ?? [];
    const curve = (name: string) => plot?.series.find((one) => one.name === name)?.points;
    expect(curve('none')).toEqual([
      [0.5, 100],
      [0.8, 100],
      [1.1, 80],
      [1.25, 60],
    ]);
    expect(curve('retry')).toEqual([
      [0.5, 100],
      [0.8, 100],
      [1.1, 0],
      [1.25, 0],
    ]);
    expect(curve('model: retry')).toContainEqual([0.99, 100]);
    expect(curve('model: retry')).toContainEqual([1.01, 0]);
    expect(curve('model: retry, once down')).toContainEqual([0.66, 100]);
    expect(curve('model: retry, once down')).toContainEqual([0.68, 0]);
    expect(curve('model: none')?.at(-1)).toEqual([1.25, 60]);
  });

  it('passes when a moment of trouble keeps servers down where the model says that it can', () => {
    const judged = judge(
      historyWith({ ...AS_PREDICTED, hedging: inPhases(['overload 0.8'], never, asRetry) }),
    );
    expect(judged.judgement.verdict).toBe('pass');
    expect(messageOf(judged, 'hedging', 'worse-from-none')).toContain(
      'becomes worse than none between 0.5 and 0.8',
    );
  });

  it.each<[string, string, Behaviour, string[]]>([
    [
      'retries gain nothing',
      'retry',
      inPhases(['failing'], { ok: false, attempts: 3 }, asRetry),
      ['retry success-share failing', 'retry amplification failing', 'retry compared-with-none failing'],
    ],
    [
      'retries gain more than they can',
      'retry',
      inPhases(['failing'], { ok: true, attempts: 1 }, asRetry),
      ['retry success-share failing', 'retry amplification failing'],
    ],
    [
      'a retry that should go elsewhere goes to a sick one again',
      'retry-elsewhere',
      asRetry,
      ['retry-elsewhere success-share sick', 'retry-elsewhere compared-with-retry sick'],
    ],
    [
      'a retry that may go anywhere always finds the healthy one',
      'retry',
      asElsewhere,
      ['retry success-share sick', 'retry-elsewhere compared-with-retry sick'],
    ],
    [
      'retries do harm where there is room for all of them',
      'retry',
      inPhases(['overload 0.5'], { ok: false, attempts: 3 }, asRetry),
      ['retry compared-with-none overload 0.5', 'retry worse-from-none'],
    ],
    [
      'retries do not make it worse',
      'retry',
      inPhases(['overload 1.1', 'overload 1.25'], { ok: true, attempts: 1 }, asRetry),
      ['retry compared-with-none overload 1.25', 'retry worse-from-none'],
    ],
    [
      'retries make it worse later than they should',
      'retry',
      inPhases(['overload 1.1'], { ok: true, attempts: 2 }, asRetry),
      ['retry worse-from-none'],
    ],
    [
      'throttling does not stop retries',
      'throttled',
      inPhases(['overload 1.25'], never, asNone),
      [
        'throttled success-share overload 1.25',
        'throttled amplification overload 1.25',
        'throttled compared-with-none overload 1.25',
        'throttled worse-from-none',
      ],
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

  it('fails when the two kinds of retry are swapped', () => {
    const judged = judge(historyWith({ ...AS_PREDICTED, retry: asElsewhere, 'retry-elsewhere': asRetry }));
    expect(failed(judged)).toEqual([
      'retry success-share sick',
      'retry-elsewhere success-share sick',
      'retry-elsewhere compared-with-retry sick',
    ]);
    expect(messageOf(judged, 'retry-elsewhere', 'compared-with-retry sick')).toMatch(
      /^70\.\d% of calls succeeded, 100\.0% of those of retry: a difference of -/,
    );
  });

  it('fails when it does not recover', () => {
    const broken = historyWith(AS_PREDICTED, (made) =>
      made.arm === 'retry' && startedMs(made) === 75_000 ? { ...made, code: 'UNAVAILABLE' } : made,
    );
    expect(failed(judge(broken))).toEqual(['retry no-failed-call']);
  });

  it('cannot tell when the machine was too busy in a step that went wrong', () => {
    const harmed = { ...AS_PREDICTED, retry: inPhases(['overload 0.5'], never, asRetry) };
    const startsLate = (atMs: number) => (made: Call) =>
      made.arm === 'retry' && made.atMs === atMs ? { ...made, lateMs: 400, latencyMs: 405 } : made;
    // Before the part that counts, where things come about.
    const busy = judge(historyWith(harmed, startsLate(34_000)));
    expect(failed(busy)).toEqual([]);
    expect(busy.judgement.verdict).toBe('unknown');
    expect(busy.judgement.reasons.join('\n')).toContain('the machine was too busy to tell');
    // In another phase it is no excuse.
    expect(failed(judge(historyWith(harmed, startsLate(24_000))))).toHaveLength(2);
  });

  it('cannot tell when the control does not do as the model says', () => {
    const judged = judge(historyWith({ ...AS_PREDICTED, none: inPhases(['overload 1.25'], well, asNone) }));
    expect(judged.judgement.verdict).not.toBe('pass');
    const sick = judge(
      historyWith({ ...AS_PREDICTED, none: inPhases(['sick'], { ok: false, attempts: 1 }, asNone) }),
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
