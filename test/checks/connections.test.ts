// Checks of sockets: leaked, churned, shared, out of ports, out of streams, idle, and of a server that stands still.
import { expect, test } from 'vitest';
import {
  blackHole,
  callsQueue,
  connectionsChurn,
  connectionsGrow,
  idleClosed,
  idleKept,
  lateWaitMs,
  noQueue,
  oneConnection,
  portsExhausted,
  unlessStarved,
} from '../../scripts/checks/index.ts';
import type { Call, Counters, HistoryEvent, SocketsSeen } from '../../scripts/history/index.ts';
import type { SocketsAnswer } from '../../services/protocol/index.ts';
import { ARM, call, counters } from '../support/history.ts';

/** A call every 100 ms. */
const calls = (howMany: number, tamper: (made: Call) => Call = (made) => made): Call[] =>
  Array.from({ length: howMany }, (_, seq) => tamper(call(seq, seq * 100)));

type Connection = SocketsAnswer['connections'][number];

const connection = (localPort: number, remotePort: number, state = 'ESTABLISHED'): Connection => ({
  localPort,
  remotePort,
  remoteAddress: '10.0.0.1',
  state,
});

function read(atMs: number, app: string, connections: Connection[], channels = 0): SocketsSeen {
  return {
    type: 'sockets',
    arm: ARM,
    app,
    source: `${app}-1`,
    atMs,
    states: {},
    connections,
    portRange: [32_768, 60_999],
    ...(app === 'greeter-client' && { channelz: { channels, connections: connections.length } }),
  };
}

type Both = {
  open?: number;
  atServer?: number;
  timeWait?: number;
  timeWaitAtServer?: number;
  channels?: number;
};

/** What both ends have: so many open ones, and so many in TIME_WAIT at either end. */
function readings(
  atMs: number,
  { open = 0, timeWait = 0, timeWaitAtServer = 0, ...rest }: Both,
): SocketsSeen[] {
  const { atServer = open, channels = open } = rest;
  const from = (howMany: number, first: number, make: (port: number) => Connection) =>
    Array.from({ length: howMany }, (_, index) => make(first + index));
  return [
    read(
      atMs,
      'greeter-client',
      [
        ...from(open, 33_000, (port) => connection(port, 50_051)),
        ...from(timeWait, 40_000, (port) => connection(port, 50_051, 'TIME_WAIT')),
        // To others than a greeter-server.
        connection(39_000, 443),
      ],
      channels,
    ),
    read(atMs, 'greeter-server', [
      ...from(atServer, 33_000, (port) => connection(50_051, port)),
      ...from(timeWaitAtServer, 50_000, (port) => connection(50_051, port, 'TIME_WAIT')),
    ]),
  ];
}

test('connections-grow: one more per call, at both ends', () => {
  const leak = (perCall: number, atServer = perCall) => [
    ...calls(110),
    ...readings(1000, { open: 10 }),
    ...readings(11_000, { open: 10 + 100 * perCall, atServer: 10 + 100 * atServer, channels: 110 }),
  ];
  expect(connectionsGrow(leak(1), { arm: ARM })).toEqual({
    check: 'connections-grow',
    arm: ARM,
    verdict: 'pass',
    message:
      '100 calls opened 100 connections that stay, 1.00 per call (at servers 1.00), 1 was expected; ' +
      'in the end 110 are open, by channelz 111 of 110 channels',
  });
  expect(connectionsGrow(leak(0), { arm: ARM })).toMatchObject({
    verdict: 'fail',
    message: expect.stringContaining('100 calls opened 0 connections that stay, 0.00 per call'),
  });
  expect(connectionsGrow(leak(2), { arm: ARM }).verdict).toBe('fail');
  expect(connectionsGrow(leak(1, 0.5), { arm: ARM }).verdict).toBe('fail');
  expect(connectionsGrow(leak(0.5, 1), { arm: ARM }).verdict).toBe('fail');
});

test('connections-grow: one reading, or few calls, cannot tell', () => {
  const once = [...calls(110), ...readings(11_000, { open: 110 })];
  expect(connectionsGrow(once, { arm: ARM })).toMatchObject({
    verdict: 'unknown',
    message: 'the sockets of client-1 were not read twice',
  });
  const few = [...calls(40), ...readings(1000, { open: 10 }), ...readings(4000, { open: 40 })];
  expect(connectionsGrow(few, { arm: ARM })).toMatchObject({
    verdict: 'unknown',
    message: '30 calls between two readings are too few, 50 are needed',
  });
});

test('connections-churn: none stays open, all are in TIME_WAIT at one of both ends', () => {
  const churn = (last: Both) => [
    ...calls(110),
    ...readings(1000, { timeWait: 10 }),
    ...readings(11_000, last),
  ];
  expect(connectionsChurn(churn({ open: 1, timeWait: 70, timeWaitAtServer: 40 }), { arm: ARM })).toEqual({
    check: 'connections-churn',
    arm: ARM,
    verdict: 'pass',
    message:
      '110 calls of the last minute left 110 connections in TIME_WAIT, 1.00 per call, 1 was expected ' +
      "(70 on the client's side); at most 1 were open, up to 3 were expected",
  });
  expect(connectionsChurn(churn({ open: 0 }), { arm: ARM }).verdict).toBe('fail');
  expect(connectionsChurn(churn({ open: 4, timeWait: 110 }), { arm: ARM }).verdict).toBe('fail');
  expect(connectionsChurn([], { arm: ARM }).verdict).toBe('unknown');
});

test('connections-churn: what is older than a minute is forgotten', () => {
  const long = (timeWait: number) => [
    ...calls(1000),
    ...readings(1000, { timeWait: 10 }),
    ...readings(100_000, { timeWait }),
  ];
  expect(connectionsChurn(long(600), { arm: ARM }).verdict).toBe('pass');
  expect(connectionsChurn(long(1000), { arm: ARM }).verdict).toBe('fail');
});

test('one-connection: however many channels', () => {
  const shared = (open: number) => [
    ...calls(110),
    ...readings(1000, { open: 1, channels: 10 }),
    ...readings(11_000, { open, channels: 110 }),
  ];
  expect(oneConnection(shared(1), { arm: ARM })).toEqual({
    check: 'one-connection',
    arm: ARM,
    verdict: 'pass',
    message: 'one connection at each of 2 readings, shared by 110 channels in the end, after 100 calls',
  });
  expect(oneConnection(shared(2), { arm: ARM })).toMatchObject({
    verdict: 'fail',
    message: '2 connections were open, where 110 channels were to share one',
  });
  expect(oneConnection(shared(0), { arm: ARM }).verdict).toBe('fail');
  expect(oneConnection(calls(110), { arm: ARM }).verdict).toBe('unknown');
});

const noPort = { code: 'UNAVAILABLE', message: 'connect EADDRNOTAVAIL 10.0.0.1:50051' };
const failingFrom = (seq: number, how: Partial<Call> = noPort) =>
  calls(300, (made) => (made.seq >= seq ? { ...made, ...how } : made));

test('ports-exhausted: when as many calls were made as there are ports', () => {
  const params = { arm: ARM, ports: 200, ratePerSecond: 10, warmMs: 5000 };
  expect(portsExhausted(failingFrom(200), params)).toMatchObject({
    verdict: 'pass',
    message: expect.stringMatching(
      /^no port was left after 20.0s, predicted after 20.0s: 200 ports at 10 a second; from then on 100 calls failed and 0 did not: 100 UNAVAILABLE; the first 20.0s after the first call, by client-1: "connect EADDRNOTAVAIL/,
    ),
  });
  expect(portsExhausted(failingFrom(100), params).verdict).toBe('fail');
  expect(portsExhausted(failingFrom(260), params).verdict).toBe('fail');
  expect(portsExhausted(failingFrom(300), params)).toMatchObject({
    verdict: 'fail',
    message: expect.stringContaining('none of 300 calls in 29.9s failed'),
  });
  expect(portsExhausted(calls(210), params).verdict).toBe('unknown');
  expect(portsExhausted([], params).verdict).toBe('unknown');
});

test('ports-exhausted: calls that fail for other reasons, or succeed later, are no such thing', () => {
  const params = { arm: ARM, ports: 200, ratePerSecond: 10, warmMs: 5000 };
  const refused = failingFrom(200, { code: 'UNAVAILABLE', message: 'ECONNREFUSED' });
  expect(portsExhausted(refused, params)).toMatchObject({
    verdict: 'fail',
    message: expect.stringContaining('calls failed for other reasons: 100 UNAVAILABLE'),
  });
  // Young processes are slow: what fails then takes a port, too.
  const slow = failingFrom(200).map((made) =>
    made.seq < 20 ? { ...made, code: 'DEADLINE_EXCEEDED', message: 'late' } : made,
  );
  expect(portsExhausted(slow, params).verdict).toBe('pass');
  expect(portsExhausted(slow, { ...params, warmMs: 0 }).verdict).toBe('fail');
  const recovers = failingFrom(200).map((made) => (made.seq === 250 ? call(250, 25_000) : made));
  expect(portsExhausted(recovers, params).verdict).toBe('fail');
});

const load = { arm: ARM, fromMs: 0, loadMs: 8000, ratePerSecond: 50, latencyMs: 500 };

/** Calls at the rate, of which so many at a time are served. */
function queued(streams: number): Call[] {
  const ends: number[] = [];
  return Array.from({ length: 400 }, (_, seq) => {
    const atMs = seq * 20;
    const startMs = Math.max(atMs, ends[seq - streams] ?? 0);
    ends.push(startMs + 500);
    return call(seq, atMs, { latencyMs: startMs + 500 - atMs });
  });
}

test('calls-queue: answers come at streams / latency, and waits grow', () => {
  expect(lateWaitMs({ ...load, streams: 10 })).toBe(11_000);
  expect(callsQueue(queued(10), { ...load, streams: 10 })).toEqual({
    check: 'calls-queue',
    arm: ARM,
    verdict: 'pass',
    message: expect.stringMatching(
      /^answers came at 20.\d\/s, 10 streams of 500ms give 20.0\/s; calls of the last quarter took 10.\ds, [89].\ds more than those of the first, predicted 9.0s$/,
    ),
  });
  expect(callsQueue(queued(400), { ...load, streams: 10 })).toMatchObject({
    verdict: 'fail',
    message: expect.stringContaining('calls of the last quarter took 500ms, 0ms more'),
  });
  expect(callsQueue(queued(15), { ...load, streams: 10 }).verdict).toBe('fail');
  expect(callsQueue(queued(10).slice(0, 99), { ...load, streams: 10 })).toMatchObject({
    verdict: 'unknown',
    message: '99 calls are too few, 100 are needed',
  });
});

test('calls-queue: the rate alone, or the wait alone, is not it', () => {
  const steady = queued(10).map((made) =>
    made.seq >= 300 && made.seq < 399 ? { ...made, latencyMs: 500 } : made,
  );
  expect(callsQueue(steady, { ...load, streams: 10 })).toMatchObject({
    verdict: 'fail',
    message: expect.stringContaining('answers came at 20.3/s'),
  });
  // What was made before the load is not looked at.
  expect(callsQueue(queued(10), { ...load, fromMs: 7000, streams: 10 }).verdict).toBe('unknown');
  const slower = queued(10).map((made) => (made.seq === 399 ? { ...made, latencyMs: 30_000 } : made));
  expect(callsQueue(slower, { ...load, streams: 10 })).toMatchObject({
    verdict: 'fail',
    message: expect.stringContaining('answers came at 10.'),
  });
});

test('no-queue: calls take what the server takes', () => {
  expect(noQueue(queued(30), load)).toMatchObject({
    verdict: 'pass',
    message:
      'calls of the last quarter took 500ms, no more than 750ms is no queue; 23.6 calls were open on average',
  });
  expect(noQueue(queued(20), load).verdict).toBe('fail');
  const late = queued(20).map((made) => (made.seq === 300 ? { ...made, lateMs: 300 } : made));
  expect(noQueue(late, load)).toMatchObject({
    verdict: 'unknown',
    message: expect.stringContaining('the machine was too busy to tell, calls were started up to 300ms late'),
  });
  expect(noQueue([], load).verdict).toBe('unknown');
});

const told = (atMs: number, open: number): Counters => ({
  ...counters('server-1', atMs, {}, false),
  connections: { open, opened: 1, greeted: 0 },
});
/** The last call ends at 4902 ms. */
const idle = (...later: HistoryEvent[]): HistoryEvent[] => [...calls(50), told(1000, 1), ...later];

test('idle-closed: in the predicted time after the last call', () => {
  const params = { arm: ARM, untilMs: 60_000, fromMs: 2000, toMs: 12_000 };
  expect(idleClosed(idle(told(14_902, 0)), params)).toEqual({
    check: 'idle-closed',
    arm: ARM,
    verdict: 'pass',
    message: 'none was open 10.0s after the last call, predicted 2.0s to 12.0s',
  });
  expect(idleClosed(idle(told(6000, 0)), params).verdict).toBe('fail');
  expect(idleClosed(idle(told(30_000, 0)), params).verdict).toBe('fail');
  expect(idleClosed(idle(told(30_000, 1)), params)).toMatchObject({
    verdict: 'fail',
    message: '1 connection still open 25.1s after the last call, predicted 2.0s to 12.0s',
  });
  expect(idleClosed(idle(told(10_000, 1)), params).verdict).toBe('unknown');
  // Closed and opened again is not closed.
  expect(idleClosed(idle(told(9000, 0), told(30_000, 1)), params).verdict).toBe('fail');
  expect(idleClosed(calls(50), params)).toMatchObject({
    verdict: 'unknown',
    message: 'no connection was seen while calls were made',
  });
  expect(idleClosed([], params).verdict).toBe('unknown');
});

test('idle-kept: for longer than another would be', () => {
  const params = { arm: ARM, untilMs: 60_000, forMs: 12_000 };
  // Clients that end close their connections.
  const ended = idle(told(20_000, 1), told(20_500, 0));
  expect(idleKept(ended, { ...params, untilMs: 20_200 }).verdict).toBe('pass');
  expect(idleKept(ended, params).verdict).toBe('fail');
  expect(idleKept(idle(told(20_000, 1)), params)).toMatchObject({
    verdict: 'pass',
    message: '1 connection still open 15.1s after the last call',
  });
  expect(idleKept(idle(told(10_000, 1)), params).verdict).toBe('unknown');
  expect(idleKept(idle(told(10_000, 0)), params)).toMatchObject({
    verdict: 'fail',
    message: 'the connection was closed 5.1s after the last call',
  });
  expect(idleKept([], params).verdict).toBe('unknown');
});

const part = { fromMs: 10_000, untilMs: 20_000 };
/** Every second call is lost, from the freeze on and for so long. */
const lostFor = (ms: number, how: Partial<Call> = { code: 'DEADLINE_EXCEEDED', message: 'late' }) =>
  calls(250, (made) =>
    made.seq % 2 === 0 && made.atMs >= part.fromMs && made.atMs <= part.fromMs + ms
      ? { ...made, ...how }
      : made,
  );

test('black-hole: how long a share of calls is lost', () => {
  const params = { arm: ARM, part, cause: 'the freeze', fromMs: 500, toMs: 4000, share: 0.5 };
  expect(blackHole(lostFor(3000), params)).toEqual({
    check: 'black-hole',
    arm: ARM,
    verdict: 'pass',
    message:
      'calls were lost for 3.0s, predicted 500ms to 4.0s; 16 of 31 calls of that time, expected 50% of them: ' +
      '16 DEADLINE_EXCEEDED; the first 0ms after the freeze, by client-1: "late"',
  });
  expect(blackHole(lostFor(8000), params)).toMatchObject({
    verdict: 'fail',
    message: expect.stringContaining('calls were lost for 8.0s, predicted 500ms to 4.0s'),
  });
  expect(blackHole(lostFor(200), params).verdict).toBe('fail');
  expect(blackHole(lostFor(-1), params)).toMatchObject({
    verdict: 'fail',
    message: 'no call was lost after the freeze, predicted 500ms to 4.0s',
  });
  expect(blackHole(lostFor(800), params)).toMatchObject({
    verdict: 'unknown',
    message: expect.stringContaining('too few calls to tell'),
  });
});

test('black-hole: another share, or other codes, are not it', () => {
  const params = { arm: ARM, part, cause: 'the freeze', fromMs: 500, toMs: 4000, share: 0.25 };
  expect(blackHole(lostFor(3000), params).verdict).toBe('fail');
  expect(blackHole(lostFor(3000, { code: 'INTERNAL' }), { ...params, share: 0.5 })).toMatchObject({
    verdict: 'fail',
    message: 'calls failed with INTERNAL',
  });
  const never = { fromMs: Number.NEGATIVE_INFINITY, untilMs: 0 };
  expect(blackHole(lostFor(3000), { ...params, part: never })).toMatchObject({
    verdict: 'unknown',
    message: 'there is no mark of the freeze',
  });
});

test('a starved client turns a failure into not known, nothing else, and at that time only', () => {
  const late = calls(100, (made) => (made.seq === 50 ? { ...made, lateMs: 400 } : made));
  const failed = { check: 'x', arm: ARM, verdict: 'fail', message: 'too long' } as const;
  const whole = { fromMs: 0, untilMs: 10_000 };
  expect(unlessStarved(late, whole, failed)).toMatchObject({ verdict: 'unknown' });
  expect(unlessStarved(late, { ...whole, untilMs: 4000 }, failed)).toEqual(failed);
  expect(unlessStarved(calls(100), whole, failed)).toEqual(failed);
  expect(unlessStarved(late, whole, { ...failed, verdict: 'pass' }).verdict).toBe('pass');
});
