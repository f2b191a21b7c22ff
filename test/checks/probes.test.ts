// Checks of what readiness probes tell of pods without calls.
import { describe, expect, it } from 'vitest';
import {
  execTimeout,
  neverReady,
  probeFailures,
  readyThroughoutPart,
  scriptInTime,
} from '../../scripts/checks/index.ts';
import { ARM } from '../support/history.ts';
import { FROM_MS, type Probed, probed } from '../support/probed.ts';

const MALFORMED = 'Get "http://10.0.0.1:50051/": malformed HTTP response "\\x00"';
const TIMED_OUT = 'command timed out: "node /app/health-probe.js" timed out after 1s';

it('probe-failures: each kind once, with the last count of it', () => {
  expect(probeFailures(probed({ arm: ARM, ready: 'never', failure: MALFORMED }), ARM)).toEqual([
    { message: `Readiness probe failed: ${MALFORMED}`, count: 3 },
  ]);
});

describe('never-ready', () => {
  const params = { arm: ARM, because: /malformed/ };

  it('passes when the kubelet says why', () => {
    expect(neverReady(probed({ arm: ARM, ready: 'never', failure: MALFORMED }), params)).toEqual({
      check: 'never-ready',
      arm: ARM,
      verdict: 'pass',
      message: `not Ready at any moment: Readiness probe failed: ${MALFORMED}`,
    });
  });

  it('fails when the pod got Ready, or was not for another reason', () => {
    expect(neverReady(probed({ arm: ARM, ready: 'follows', failure: MALFORMED }), params)).toMatchObject({
      verdict: 'fail',
      message: '1 pod got Ready: server-treatment',
    });
    const refused = probed({ arm: ARM, ready: 'never', failure: 'connection refused' });
    expect(neverReady(refused, params)).toMatchObject({
      verdict: 'fail',
      message: 'not Ready, for another reason: Readiness probe failed: connection refused',
    });
  });

  it('cannot tell when the kubelet says nothing, or there is no pod', () => {
    expect(neverReady(probed({ arm: ARM, ready: 'never' }), params).verdict).toBe('unknown');
    expect(neverReady([], params).verdict).toBe('unknown');
  });
});

describe('ready', () => {
  const params = { arm: ARM, part: { fromMs: 12_000, untilMs: FROM_MS } };

  it('passes when the pod is all the time, fails when it is not, cannot tell without a pod', () => {
    expect(readyThroughoutPart(probed({ arm: ARM, ready: 'always' }), params)).toMatchObject({
      verdict: 'pass',
      message: '1 pod Ready for all of 12.0s',
    });
    const never = probed({ arm: ARM, ready: 'never', failure: MALFORMED });
    expect(readyThroughoutPart(never, params)).toMatchObject({
      verdict: 'fail',
      message: `1 pod not Ready all the time: Readiness probe failed: ${MALFORMED}`,
    });
    expect(readyThroughoutPart([], params).verdict).toBe('unknown');
  });
});

describe('exec-timeout', () => {
  const params = { arm: ARM, timeoutMs: 1000, timedIn: ARM };

  it.each<[string, Omit<Probed, 'arm'>, string]>([
    ['slow and never Ready', { ready: 'never', failure: TIMED_OUT, tookMs: [1500, 1600] }, 'pass'],
    ['fast and Ready', { ready: 'always', tookMs: [300, 400] }, 'pass'],
    ['fast and timed out all the same', { ready: 'never', failure: TIMED_OUT, tookMs: [300, 400] }, 'pass'],
    ['slow and Ready', { ready: 'always', tookMs: [1500, 1600] }, 'fail'],
    ['fast, not Ready, and not timed out', { ready: 'never', failure: 'exit 1', tookMs: [300] }, 'fail'],
    ['not timed', { ready: 'always' }, 'unknown'],
  ])('%s', (_, options, verdict) => {
    expect(execTimeout(probed({ arm: ARM, ...options }), params).verdict).toBe(verdict);
  });

  it('says what was measured', () => {
    const history = probed({ arm: ARM, ready: 'never', failure: TIMED_OUT, tookMs: [1500, 1600] });
    expect(execTimeout(history, params).message).toBe(
      'the script took 1.5s to 1.6s in 2 runs; with a time-out of 1.0s the pod was never Ready, 3 probes timed out',
    );
  });
});

it('script-in-time: cannot tell on a machine on which the script takes nearly all of its time', () => {
  const params = { arm: ARM, timeoutMs: 1000, timedIn: ARM };
  expect(scriptInTime(probed({ arm: ARM, ready: 'always', tookMs: [200, 800] }), params).verdict).toBe(
    'pass',
  );
  expect(scriptInTime(probed({ arm: ARM, ready: 'always', tookMs: [200, 801] }), params)).toMatchObject({
    verdict: 'unknown',
    message: 'the machine is too busy to tell: the script took up to 801ms, it has 1.0s',
  });
  expect(scriptInTime([], params).verdict).toBe('unknown');
});
