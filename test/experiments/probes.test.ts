// The probes experiment: the runs that it refuses, what it asks the cluster for, and its judgement of hand-written
// histories.
import { describe, expect, it } from 'vitest';
import probes from '../../scripts/experiments/probes/index.ts';
import { planOf, refusalOf, widthOf } from '../support/plan.ts';
import { MARKS, type Probed, probed } from '../support/probed.ts';

describe('options', () => {
  it.each([
    ['--probe-period 11', 'It must be a whole number from 1 to 10.'],
    ['--exec-timeout 5', 'It must be a whole number from 1 to 4.'],
    [
      '--script-work 3s',
      '--script-work 3.0s does not leave the long time-out of 5s enough room Make it 2.0s or less.',
    ],
  ])('%s is refused', (line, said) => {
    expect(refusalOf(probes, line)).toContain(said);
  });

  it('have defaults: a pod for each probe, without clients, and without a start-up probe', () => {
    const { arms, prediction } = planOf(probes, '');
    expect(arms.map(({ name }) => name)).toEqual([
      'http-get',
      'grpc-service',
      'grpc-unknown',
      'tcp-socket',
      'exec-short',
      'exec-long',
      'grpc',
    ]);
    for (const arm of arms) {
      expect(arm).toMatchObject({ servers: 1, clients: 0, serverProbes: { startupProbe: null } });
      expect(arm.mayBeUnready).toBe(arm.name !== 'grpc');
    }
    expect(arms.find(({ name }) => name === 'exec-short')?.serverProbes?.readinessProbe).toEqual({
      exec: { command: ['node', '/app/health-probe.js', '--work', '1200'] },
      periodSeconds: 2,
      timeoutSeconds: 1,
      failureThreshold: 1,
    });
    expect(widthOf(prediction)).toBeLessThanOrEqual(80);
    expect(prediction).toContain('exec-short: never Ready');
    expect(planOf(probes, '--script-work 0s').prediction).toContain('it depends on the machine');
  });
});

type Changes = Record<string, Omit<Probed, 'arm'>>;
const TIMED_OUT = 'command timed out: "node /app/health-probe.js" timed out after 1s';
const AS_PREDICTED: Changes = {
  'http-get': { ready: 'never', failure: 'Get "http://10.0.0.1:50051/": malformed HTTP response "x"' },
  'grpc-service': { ready: 'always' },
  'grpc-unknown': {
    ready: 'never',
    failure: 'rpc error: code = NotFound desc = unknown service "greet.Unknown"',
  },
  'tcp-socket': { ready: 'always' },
  'exec-short': { ready: 'never', failure: TIMED_OUT },
  'exec-long': { ready: 'follows', failure: 'NOT_SERVING', tookMs: [700, 900] },
  grpc: { ready: 'follows', failure: 'service unhealthy (responded with "NOT_SERVING")' },
};
const judge = (changed: Changes = {}, line = '') => {
  const events = Object.entries({ ...AS_PREDICTED, ...changed }).flatMap(([arm, options]) =>
    probed({ arm, ...options }),
  );
  return planOf(probes, line).judge([...events, ...MARKS].sort((a, b) => a.atMs - b.atMs));
};

describe('a run', () => {
  it('passes when every pod is Ready as predicted, and shows what the kubelet said', () => {
    const { judgement, tables } = judge();
    expect(judgement.verdict, judgement.reasons.join('\n')).toBe('pass');
    const rows = new Map(tables?.[0]?.rows.map(([head = '', ...cells]) => [head, cells]));
    expect(rows.get('http-get')?.slice(0, 4)).toEqual(['not Ready', 'not Ready', 'not Ready', '3']);
    expect(rows.get('tcp-socket')).toEqual(['Ready', 'Ready', 'Ready', '0']);
    expect(rows.get('grpc')?.slice(0, 3)).toEqual(['Ready', 'not Ready', 'Ready']);
    expect(tables?.[2]?.rows[1]).toEqual([
      'grpc-unknown',
      'rpc error: code = NotFound desc = unknown service "greet.Unk…',
    ]);
    expect(tables?.[1]?.rows).toEqual([
      ['exec-short', '700ms to 900ms', '1', '3'],
      ['exec-long', '700ms to 900ms', '5', '0'],
    ]);
  });

  it('passes without more work whether the script takes the time that it has or not: that is the machine', () => {
    expect(judge({ 'exec-short': { ready: 'follows' } }, '--script-work 0s').judgement.verdict).toBe('pass');
  });

  it.each<[string, Changes, string, string]>([
    ['a port for HTTP/2 answers HTTP/1.1', { 'http-get': { ready: 'always' } }, '', 'http-get'],
    ['TCP hears of NOT_SERVING', { 'tcp-socket': { ready: 'follows' } }, '', 'tcp-socket'],
    ['a service that is not known is healthy', { 'grpc-unknown': { ready: 'always' } }, '', 'grpc-unknown'],
    [
      'the script does not tell of NOT_SERVING',
      { 'exec-long': { ready: 'always', tookMs: [700] } },
      '',
      'exec-long',
    ],
    [
      'a slow script is waited for',
      { 'exec-short': { ready: 'always' }, 'exec-long': { ready: 'follows', tookMs: [1700] } },
      '',
      'exec-short',
    ],
  ])('fails when %s', (_, changed, line, arm) => {
    const { judgement } = judge(changed, line);
    expect(judgement.verdict).toBe('fail');
    expect(
      judgement.reasons.every((reason) => reason.startsWith(`${arm}: `)),
      judgement.reasons.join('\n'),
    ).toBe(true);
  });

  it('cannot tell when the right probe fails too, or the machine is too slow for the long time-out', () => {
    expect(judge({ grpc: { ready: 'always' } }).judgement).toMatchObject({ verdict: 'unknown' });
    const slow = judge({ 'exec-long': { ready: 'always', tookMs: [4100] } });
    expect(slow.judgement).toMatchObject({ verdict: 'unknown' });
  });
});
