// The health experiment: the runs that it refuses, what it asks the cluster for, and its judgement of hand-written
// histories.
import { describe, expect, it } from 'vitest';
import health from '../../scripts/experiments/health/index.ts';
import { MARKS, type Sick, sick } from '../support/not-serving.ts';
import { planOf, refusalOf, widthOf } from '../support/plan.ts';

describe('options', () => {
  it.each([
    ['--servers 1', 'It must be a whole number from 2 to 10.'],
    ['--rate 20', '--rate 20 is too low to tell whether 3 pods get even shares'],
  ])('%s is refused', (line, said) => {
    expect(refusalOf(health, line)).toContain(said);
  });

  it('have defaults: four arms that differ in what their probes ask, and in max age', () => {
    const { arms, prediction } = planOf(health, '');
    const times = { periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 1 };
    expect(
      arms.map(({ name, serverProbes, serverEnv }) => [
        name,
        serverProbes?.readinessProbe,
        serverEnv.GRPC_MAX_CONNECTION_AGE_MS,
      ]),
    ).toEqual([
      ['probed', { grpc: { port: 50051, service: 'greet.Greeter' }, ...times }, undefined],
      ['probed-max-age', { grpc: { port: 50051, service: 'greet.Greeter' }, ...times }, '5000'],
      ['probed-whole', { grpc: { port: 50051 }, ...times }, undefined],
      ['unprobed', { tcpSocket: { port: 50051 }, ...times }, undefined],
    ]);
    expect(widthOf(prediction)).toBeLessThanOrEqual(80);
    expect(planOf(health, '--max-connection-age off').prediction.replaceAll(/\s+/g, ' ')).toContain(
      'goes on to have 33% of the calls for ever: no connection ages.',
    );
  });
});

type Changes = Record<string, Omit<Sick, 'arm'>>;
const AS_PREDICTED: Changes = {
  probed: { leaves: ['service'] },
  'probed-max-age': { leaves: ['service'], uncalled: ['service'] },
  'probed-whole': { leaves: ['whole'] },
  unprobed: {},
};
const judge = (changed: Changes = {}) => {
  const events = Object.entries({ ...AS_PREDICTED, ...changed }).flatMap(([arm, options]) =>
    sick({ arm, ...options }),
  );
  return planOf(health, '').judge([...events, ...MARKS].sort((a, b) => a.atMs - b.atMs));
};

describe('a run', () => {
  it('passes when every arm does as predicted, and shows who was called', () => {
    const { judgement, tables } = judge();
    expect(judgement.verdict, judgement.reasons.join('\n')).toBe('pass');
    expect(tables?.[0]?.rows).toEqual([
      ['probed ("greet.Greeter")', 'ready, 34%', 'not ready, 33%', 'ready, 33%', 'ready, 34%', 'ready, 33%'],
      [
        'probed-max-age ("greet.Greeter")',
        'ready, 34%',
        'not ready, 0%',
        'ready, 33%',
        'ready, 34%',
        'ready, 33%',
      ],
      ['probed-whole ("")', 'ready, 34%', 'ready, 33%', 'ready, 33%', 'not ready, 34%', 'ready, 33%'],
      ['unprobed (TCP)', 'ready, 34%', 'ready, 33%', 'ready, 33%', 'ready, 34%', 'ready, 33%'],
    ]);
    expect(tables?.[0]?.heat?.values[1]?.[1]).toBe(0);
  });

  it.each<[string, Changes, string]>([
    ['the probe does not see it', { probed: {} }, 'probed'],
    ['the open connection is given up', { probed: { leaves: ['service'], uncalled: ['service'] } }, 'probed'],
    ['connections do not age', { 'probed-max-age': { leaves: ['service'] } }, 'probed-max-age'],
    ['a probe for "" asks for more', { 'probed-whole': { leaves: ['service', 'whole'] } }, 'probed-whole'],
  ])('fails when %s', (_, changed, arm) => {
    const { judgement } = judge(changed);
    expect(judgement.verdict).toBe('fail');
    expect(
      judgement.reasons.every((reason) => reason.startsWith(`${arm}: `)),
      judgement.reasons.join('\n'),
    ).toBe(true);
  });

  it('cannot tell when the control hears of it', () => {
    const { judgement } = judge({ unprobed: { leaves: ['service'] } });
    expect(judgement).toMatchObject({
      verdict: 'unknown',
      reasons: ['the control did not behave as expected: unprobed: server-1 left the ready endpoints'],
    });
  });
});
