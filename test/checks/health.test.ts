// Checks of what becomes of a server that says NOT_SERVING: its endpoint, and its share of the calls.
import { describe, expect, it } from 'vitest';
import { endpointsFollow, endpointsKept, shareKept, shareWithdrawn } from '../../scripts/checks/index.ts';
import { ARM, edit } from '../support/history.ts';
import { END_MS, FAULTS, sick } from '../support/not-serving.ts';

const where = { arm: ARM, service: `greeter-headless-${ARM}`, fault: 'service', untilMs: FAULTS.whole[0] };
const follows = { ...where, boundMs: 3000 };
const leaves = ['service'] as const;

describe('endpoints-follow', () => {
  it('passes when the pod leaves in time, and is back in time', () => {
    expect(endpointsFollow(sick({ arm: ARM, leaves }), follows)).toEqual({
      check: 'endpoints-follow service',
      arm: ARM,
      verdict: 'pass',
      message: '1 pod left the ready endpoints after 500ms and came back after 500ms (within 3.0s)',
    });
  });

  it.each([
    ['never left', {}, 'server-1 left the ready endpoints never, not within 3.0s'],
    [
      'left too late',
      { leaves, leavesAfterMs: 4000 },
      'server-1 left the ready endpoints after 4.0s, not within 3.0s',
    ],
    [
      'came back too late',
      { leaves, backAfterMs: 4000 },
      'server-1 came back to the ready endpoints after 4.0s, not within 3.0s',
    ],
    [
      'came back before it was healed',
      { leaves, backAfterMs: -2000 },
      'server-1 was a ready endpoint again 2.0s before it was healed',
    ],
  ])('fails when it %s', (_, options, message) => {
    expect(endpointsFollow(sick({ arm: ARM, ...options }), follows)).toMatchObject({
      verdict: 'fail',
      message,
    });
  });

  it('fails when it never came back', () => {
    const gone = edit(sick({ arm: ARM, leaves }), (e) =>
      e.type === 'endpoints' && e.atMs > FAULTS.service[1] ? undefined : e,
    );
    expect(endpointsFollow(gone, follows)).toMatchObject({
      verdict: 'fail',
      message: 'server-1 came back to the ready endpoints never, not within 3.0s',
    });
  });

  it('cannot tell without the fault, without slices, or when the time was too short', () => {
    expect(endpointsFollow(sick({ arm: ARM, leaves }), { ...follows, fault: 'other' }).verdict).toBe(
      'unknown',
    );
    const unseen = edit(sick({ arm: ARM, leaves }), (e) => (e.type === 'endpoints' ? undefined : e));
    expect(endpointsFollow(unseen, follows).verdict).toBe('unknown');
    const untilMs = FAULTS.service[1] + 1000;
    expect(endpointsFollow(sick({ arm: ARM, leaves }), { ...follows, untilMs }).verdict).toBe('unknown');
  });
});

describe('endpoints-kept', () => {
  it('passes when the pod stays, fails when it leaves, cannot tell without the fault', () => {
    expect(endpointsKept(sick({ arm: ARM }), where)).toMatchObject({
      verdict: 'pass',
      message: '1 pod stayed a ready endpoint for all of 15.5s',
    });
    expect(endpointsKept(sick({ arm: ARM, leaves }), where)).toMatchObject({
      verdict: 'fail',
      message: 'server-1 left the ready endpoints',
    });
    expect(endpointsKept(sick({ arm: ARM }), { ...where, fault: 'other' }).verdict).toBe('unknown');
  });
});

describe('share-kept', () => {
  const part = { fromMs: FAULTS.service[0] + 3000, untilMs: FAULTS.service[1] };
  const params = { arm: ARM, fault: 'service', part, servers: 3 };

  it('passes for an even share, fails for none, cannot tell of few calls', () => {
    expect(shareKept(sick({ arm: ARM }), params)).toMatchObject({
      verdict: 'pass',
      message: 'in 12.5s an even share of 33.3%: server-1 33.2%',
    });
    expect(shareKept(sick({ arm: ARM, uncalled: leaves }), params)).toMatchObject({
      verdict: 'fail',
      message: 'in 12.5s not an even share of 33.3%: server-1 2.6%',
    });
    const short = { ...params, part: { ...part, untilMs: part.fromMs + 500 } };
    expect(shareKept(sick({ arm: ARM }), short).verdict).toBe('unknown');
    expect(shareKept(sick({ arm: ARM }), { ...params, fault: 'other' }).verdict).toBe('unknown');
  });
});

describe('share-withdrawn', () => {
  const params = { arm: ARM, fault: 'service', boundMs: 10_500, untilMs: FAULTS.whole[0] };
  const uncalled = leaves;

  it('passes when calls stop in time and come back in time', () => {
    expect(shareWithdrawn(sick({ arm: ARM, uncalled }), params)).toMatchObject({
      verdict: 'pass',
      message: expect.stringMatching(
        /^last call 4.0s after it said NOT_SERVING, none of 200 calls after the bound, the next 5.\ds after it was healed \(within 10.5s\)$/,
      ),
    });
  });

  it.each([
    [
      'never stop',
      {},
      /^server-1 still had 6\d of 200 calls, up to 15.\ds after it said NOT_SERVING, not none within 10.5s$/,
    ],
    [
      'come back too late',
      { uncalled, calledAfterMs: 12_000 },
      /^server-1 had calls again after 12.\ds, not within 10.5s$/,
    ],
    ['never come back', { uncalled, calledAfterMs: END_MS }, /^server-1 had calls again never/],
  ])('fails when calls %s', (_, options, message) => {
    expect(shareWithdrawn(sick({ arm: ARM, ...options }), params)).toMatchObject({
      verdict: 'fail',
      message: expect.stringMatching(message),
    });
  });

  it('cannot tell when the bound is longer than the fault, or without it', () => {
    const history = sick({ arm: ARM, uncalled });
    expect(shareWithdrawn(history, { ...params, boundMs: 16_000 }).verdict).toBe('unknown');
    expect(shareWithdrawn(history, { ...params, fault: 'other' }).verdict).toBe('unknown');
    const late = sick({ arm: ARM, uncalled, calledAfterMs: END_MS });
    expect(shareWithdrawn(late, { ...params, untilMs: FAULTS.service[1] + 5000 }).verdict).toBe('unknown');
  });
});
