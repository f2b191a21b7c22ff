// Every option of the scale experiment, with values that make no sense and runs that could tell nothing.
import { describe, expect, it } from 'vitest';
import scale from '../../scripts/experiments/scale/index.ts';
import type { Parameters } from '../../scripts/experiments/scale/parameters.ts';
import { planOf as planOfExperiment, refusalOf } from '../support/plan.ts';

const planOf = (line: string) => planOfExperiment(scale, line);
const refusal = (line: string) => refusalOf(scale, line);

const DURATION = 'Write it as 500ms, 10s or 2m.';

describe('a value that makes no sense is named, with what to write', () => {
  it.each([
    ['--from 0', "'0' is invalid. It must be a whole number from 1 to 200."],
    ['--from many', "'many' is invalid. It must be a whole number from 1 to 200."],
    ['--to 201', 'It must be a whole number from 1 to 200.'],
    ['--to 2.5', 'It must be a whole number from 1 to 200.'],
    ['--rate 0', 'It must be a whole number from 1 to 20000.'],
    ['--rate -5', 'It must be a whole number from 1 to 20000.'],
    ['--clients 51', 'It must be a whole number from 1 to 50.'],
    ['--clients 1e1', 'It must be a whole number from 1 to 50.'],
    ['--seed -1', 'It must be a whole number of at least 0.'],
    ['--seed=', 'It must be a whole number of at least 0.'],
    ['--max-connection-age 10', DURATION],
    ['--max-connection-age never', DURATION],
    ['--max-connection-age 0s', 'It must be more than 0s.'],
    ['--dns-floor 30', DURATION],
    ['--deadline 2', DURATION],
    ['--deadline 0s', 'It must be more than 0s.'],
    ['--latency slow', DURATION],
    ['--drain -1s', DURATION],
    ['--warmup 1day', DURATION],
    ['--window soon', DURATION],
    ['--policy random', 'Allowed choices are round_robin, pick_first.'],
    ['--service none', 'Allowed choices are headless, clusterip.'],
  ])('%s', (line, advice) => {
    const said = refusal(line);
    expect(said).toContain(line.split(/[ =]/)[0]);
    expect(said).toContain(advice);
  });
});

describe('a run whose verdict could only be unknown is refused', () => {
  it.each([
    ['--from 7 --to 7', '--from and --to are both 7: nothing would change Make --to larger'],
    ['--rate 99', '--rate 99 is too low to tell whether 10 pods get even shares'],
    ['--rate 99', '--rate 100 or more'],
    ['--drain 21s', "--drain 21.0s does not fit into the pods' grace period of 30s Give it 20.0s"],
    ['--burst 21', '--burst 21 at --rate 200 leaves fewer than 10 bursts a second Make it 20 or less.'],
    ['--latency 2s', '--latency 2.0s leaves no call within --deadline 2.0s'],
    ['--window 30s', '--window 30.0s ends before the prediction does It takes 38.0s, or a shorter --max-'],
    ['--window 45s --max-connection-age 60s', '--window 45.0s ends before the prediction does'],
  ])('%s', (line, said) => {
    expect(refusal(line)).toContain(said);
  });
});

describe('accepted are', () => {
  it('the defaults', () => {
    const { parameters, arms } = planOf('');
    expect(parameters).toMatchObject({ from: 5, to: 10, clients: 2, ratePerSecond: 200, windowMs: 45_000 });
    expect(parameters).toMatchObject({ burst: 10 });
    expect(planOf('--rate 120').parameters).toMatchObject({ burst: 10 });
    expect(planOf('--rate 25 --to 2 --from 1').parameters).toMatchObject({ burst: 2 });
    expect(arms.map(({ name, servers, clients }) => [name, servers, clients])).toEqual([
      ['treatment', 5, 2],
      ['control', 5, 2],
    ]);
  });

  it('many clients, spread over the longest time between two resolutions: the slowest is predicted', () => {
    for (const period of ['', '--dns-floor 1s', '--max-connection-age 40s --window 60s']) {
      const { parameters, prediction } = planOf(`--clients 8 ${period}`);
      const { maxConnectionAgeMs, dnsFloorMs, startSpreadMs } = parameters as Parameters;
      expect(startSpreadMs).toBeCloseTo(Math.max(1.1 * (maxConnectionAgeMs ?? 0), dnsFloorMs));
      expect(prediction).toMatch(/treatment: [1-9].* to .* in 90% of/);
    }
    const settledMs = (line: string) => (planOf(line).parameters as Parameters).settledMs;
    expect(settledMs('--clients 8 --warmup 30s')).toBe(settledMs('') + 20_000);
  });

  it('just enough rate, warm-up and window', () => {
    expect(planOf('--rate 100 --warmup 11s --window 38s').parameters).toMatchObject({ windowMs: 38_000 });
  });

  it('a low rate where shares are not to be even anyway, and a short window where nothing is awaited', () => {
    expect(planOf('--rate 1 --policy pick_first --window 5s').prediction).toContain('never');
    expect(planOf('--max-connection-age off --window 5s').prediction).toContain('never');
  });

  it('no max age for the treatment, which then is as the control', () => {
    const [treatment, control] = planOf('--max-connection-age off').arms;
    expect(treatment?.serverEnv).toEqual(control?.serverEnv);
    expect('GRPC_MAX_CONNECTION_AGE_MS' in (treatment?.serverEnv ?? {})).toBe(true);
  });
});
