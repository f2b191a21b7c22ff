// Checks of what becomes of calls, streams and connections when connections age.
import { describe, expect, it } from 'vitest';
import {
  agedCallsEndWell,
  codesWhenCut,
  connectionKept,
  cutAfterGrace,
  firstConnection,
} from '../../scripts/checks/index.ts';
import { type Call, connectionsOf, connectionsOfCall } from '../../scripts/history/index.ts';
import { GRPC_PORT } from '../../services/protocol/index.ts';
import { aging, END_MS } from '../support/graceful.ts';
import { ARM, edit } from '../support/history.ts';

const part = { fromMs: Number.NEGATIVE_INFINITY, untilMs: END_MS };
const base = { arm: ARM, ageMs: 10_000 };
const graced = { ...base, graceMs: 2000 };
const cut = { arm: ARM, part, ageMs: 10_000, graceMs: 2000 };
const only = (seq: number, change: Partial<Call>) => (each: Call) =>
  each.seq === seq ? { ...each, ...change } : each;

describe('connections', () => {
  it('are made of what clients tell of their subchannels', () => {
    expect(connectionsOf(aging(base), ARM)).toMatchObject([
      { client: 'client-treatment', connectingMs: 100, readyMs: 105, leftMs: 10_105 },
      { readyMs: 10_110, leftMs: 20_110 },
      { readyMs: 20_115, leftMs: undefined },
    ]);
  });

  it('carry calls: mostly it is certain which, not just when one is told to go', () => {
    const history = aging(base);
    const connections = connectionsOf(history, ARM);
    const on = (atMs: number) =>
      connectionsOfCall(connections, { ...(history.find(({ type }) => type === 'call') as Call), atMs }).map(
        ({ readyMs }) => readyMs,
      );
    expect(on(90)).toEqual([105]);
    expect(on(5000)).toEqual([105]);
    expect(on(10_000)).toEqual([105, 10_110]);
    expect(on(12_000)).toEqual([10_110]);
  });
});

describe('cut-after-grace', () => {
  it('passes when all that is left is cut at age and grace after connecting, whenever it began', () => {
    expect(cutAfterGrace(aging(graced), cut)).toEqual({
      check: 'cut-after-grace',
      arm: ARM,
      verdict: 'pass',
      message:
        '56 of 56 calls cut, 12.0s to 12.0s after the connection was made (predicted 11.0s to 13.0s), no other failed',
    });
    expect(cutAfterGrace(aging({ ...graced, streams: true, everyMs: 12_000 }), cut).verdict).toBe('pass');
  });

  it('fails when calls go on', () => {
    expect(cutAfterGrace(aging(base), { ...cut, whyNever: 'there is no grace' })).toMatchObject({
      verdict: 'fail',
      message: expect.stringMatching(
        /^\d+ calls otherwise than predicted, 11.0s to 13.0s: there is no grace; a call of client-treatment went on until 15.0s after its connection was made/,
      ),
    });
    expect(cutAfterGrace(aging({ ...base, streams: true, everyMs: 12_000 }), cut).verdict).toBe('fail');
  });

  it('fails when calls are cut too early, too late, or end in another way', () => {
    expect(cutAfterGrace(aging({ ...graced, ageMs: 8000 }), cut)).toMatchObject({
      verdict: 'fail',
      message: expect.stringContaining('a call was cut: INTERNAL'),
    });
    expect(cutAfterGrace(aging({ ...graced, graceMs: 5000 }), cut).verdict).toBe('fail');
    const other = aging({ ...graced, tamper: only(3, { code: 'CANCELLED', message: 'Call cancelled' }) });
    expect(cutAfterGrace(other, cut)).toMatchObject({
      verdict: 'fail',
      message: expect.stringContaining('a call ended with CANCELLED "Call cancelled"'),
    });
  });

  it('cannot tell without calls, without connections, or when all calls are short', () => {
    expect(cutAfterGrace([], cut).verdict).toBe('unknown');
    const untold = edit(aging(graced), (e) => (e.type === 'connectivity' ? undefined : e));
    expect(cutAfterGrace(untold, cut).verdict).toBe('unknown');
    expect(cutAfterGrace(aging({ ...graced, callMs: 100 }), cut).verdict).toBe('unknown');
  });
});

describe('codes-when-cut', () => {
  it('passes when the last of those that are cut together is dropped, and all others are reset', () => {
    expect(codesWhenCut(aging(graced), { arm: ARM })).toMatchObject({
      verdict: 'pass',
      message:
        'cut 3 times, with 1 UNAVAILABLE and 20 INTERNAL, 1 UNAVAILABLE and 19 INTERNAL, 1 UNAVAILABLE and 14 INTERNAL',
    });
  });

  it('fails when all end alike, and cannot tell when none was cut', () => {
    const alike = aging({
      ...graced,
      tamper: (each) => ({ ...each, code: 'UNAVAILABLE', message: 'Connection dropped' }),
    });
    expect(codesWhenCut(alike, { arm: ARM }).verdict).toBe('fail');
    expect(codesWhenCut(aging(base), { arm: ARM }).verdict).toBe('unknown');
  });
});

describe('aged-calls-end-well', () => {
  it('passes when calls outlive their connection, fails when one fails or no connection was told to go', () => {
    expect(agedCallsEndWell(aging(base), { arm: ARM, part })).toMatchObject({
      verdict: 'pass',
      message: expect.stringMatching(
        /^2 connections told to go at an age of 10.0s to 10.0s; \d+ calls went on on them for up to 14.5s more, and ended well$/,
      ),
    });
    expect(agedCallsEndWell(aging(graced), { arm: ARM, part }).verdict).toBe('fail');
    expect(agedCallsEndWell(aging({ arm: ARM }), { arm: ARM, part })).toMatchObject({
      verdict: 'fail',
      message: 'no connection was told to go',
    });
  });

  it('cannot tell when calls are too short, or nothing is known of connections', () => {
    expect(agedCallsEndWell(aging({ ...base, callMs: 2 }), { arm: ARM, part }).verdict).toBe('unknown');
    expect(agedCallsEndWell([], { arm: ARM, part }).verdict).toBe('unknown');
  });
});

describe('connection-kept', () => {
  it('passes for one connection, fails when it ends, cannot tell of none', () => {
    expect(connectionKept(aging({ arm: ARM }), { arm: ARM, part })).toMatchObject({
      verdict: 'pass',
      message: '1 client kept the first connection for 27.9s',
    });
    expect(connectionKept(aging(base), { arm: ARM, part })).toMatchObject({
      verdict: 'fail',
      message: '2 connections ended, at an age of 10.0s, 10.0s',
    });
    expect(connectionKept([], { arm: ARM, part }).verdict).toBe('unknown');
  });
});

describe('first-connection', () => {
  const params = { arm: ARM, port: GRPC_PORT, leastMs: 13_000 };
  const streams = { streams: true, everyMs: 12_000 };

  it('is still open where streams pin it, and gone where they are cut', () => {
    const pinned = aging({ ...base, ...streams });
    expect(firstConnection(pinned, { ...params, expected: 'open' })).toMatchObject({
      verdict: 'pass',
      message:
        '1 of 1 connection of the first reading still open 25.5s later, 3 connections open by then in all',
    });
    expect(firstConnection(pinned, { ...params, expected: 'closed' }).verdict).toBe('fail');
    const gone = aging({ ...graced, ...streams });
    expect(firstConnection(gone, { ...params, expected: 'closed' }).verdict).toBe('pass');
    expect(firstConnection(gone, { ...params, expected: 'open' }).verdict).toBe('fail');
  });

  it('cannot tell from one reading, from two that are near, or from none with a connection', () => {
    const history = aging({ ...base, ...streams });
    expect(firstConnection(history, { ...params, expected: 'open', leastMs: 26_000 }).verdict).toBe(
      'unknown',
    );
    const none = edit(history, (e) => (e.type === 'sockets' ? { ...e, connections: [] } : e));
    expect(firstConnection(none, { ...params, expected: 'open' }).verdict).toBe('unknown');
    expect(firstConnection([], { ...params, expected: 'open' }).verdict).toBe('unknown');
  });
});
