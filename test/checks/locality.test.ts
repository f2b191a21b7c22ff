// Checks of nearness: who answered, how a client goes on when its local pod is gone, and whether it comes back.
import { expect, test } from 'vitest';
import {
  connectionBound,
  evenInTier,
  localAgain,
  localOnly,
  movedElsewhere,
  nearestFirst,
  placed,
  saidOnce,
} from '../../scripts/checks/index.ts';
import type { Call, HistoryEvent } from '../../scripts/history/index.ts';
import { ARM, CHANGE_MS, edit, podSeen, unanswered } from '../support/history.ts';
import {
  all,
  BACK_MS,
  BASELINE_MS,
  CLIENTS,
  local,
  onlyLocal,
  preferLocal,
  staying,
  UNTIL_MS,
} from '../support/locality.ts';

const whole = { arm: ARM, part: { fromMs: BASELINE_MS, untilMs: UNTIL_MS } };
const baseline = { arm: ARM, part: { fromMs: BASELINE_MS, untilMs: CHANGE_MS } };

/** One call of a client, the first that is started after a time, answered by another pod. */
function astray(client: string, afterMs: number, pod: string): (call: Call) => Call {
  let done = false;
  return (made) => {
    if (done || made.source !== client || made.atMs < afterMs) return made;
    done = true;
    return { ...made, pod };
  };
}

const without = (type: HistoryEvent['type']) => (event: HistoryEvent) =>
  event.type === type ? undefined : event;

test('placed: some clients with a server, some without, and one whose server goes', () => {
  expect(placed(local(preferLocal), { arm: ARM })).toMatchObject({
    check: 'placed',
    verdict: 'pass',
    message: '2 of 3 clients had a server on their node, that of client-1 was taken',
  });
});

test.each<[string, (event: HistoryEvent) => HistoryEvent | undefined, string]>([
  ['no change', without('fault'), 'no change was marked'],
  [
    'no node',
    (e) => (e.type === 'pod' && e.pod === 'client-2' ? podSeen('client-2', 0, { app: 'greeter-client' }) : e),
    'nobody told on which node client-2 is',
  ],
  [
    'none local',
    (e) => (e.type === 'pod' && e.app === 'greeter-client' ? { ...e, node: 'n2' } : e),
    'no client had a server on its node',
  ],
  [
    'all local',
    (e) => (e.type === 'pod' && e.app === 'greeter-client' ? { ...e, node: 'n3' } : e),
    'every client had a server on its node',
  ],
  [
    'another server taken',
    (e) => (e.type === 'pod' && e.pod === 'client-1' ? { ...e, node: 'n2' } : e),
    'no server was taken that was on the node of a client',
  ],
])('placed: %s is unknown', (_, change, message) => {
  expect(placed(edit(local(preferLocal), change), { arm: ARM })).toMatchObject({
    verdict: 'unknown',
    message,
  });
});

test('nearest-first: passes with how many were local', () => {
  expect(nearestFirst(local(preferLocal), whole)).toMatchObject({ verdict: 'pass' });
  expect(nearestFirst(local(preferLocal), whole).message).toMatch(
    /^all of 4,9\d\d answers came from the nearest servers, 29\d\d from the own node$/,
  );
});

test('nearest-first: one answer from farther away is seen, before and after the change', () => {
  const before = local(preferLocal, { tamper: astray('client-1', 8000, 'server-2') });
  expect(nearestFirst(before, whole)).toMatchObject({ verdict: 'fail' });
  expect(nearestFirst(before, whole).message).toMatch(
    /^1 of 4,9\d\d answers came from farther than they had to, the first 2.0s before the change: client-1 was answered by server-2$/,
  );
  const after = local(preferLocal, { tamper: astray('client-1', BACK_MS + 3000, 'server-2') });
  expect(nearestFirst(after, whole)).toMatchObject({ verdict: 'fail' });
});

test('nearest-first: a new pod may take a moment to be found, and what was cut may be tried elsewhere', () => {
  const soon = local(preferLocal, { tamper: astray('client-1', BACK_MS + 2000, 'server-2') });
  expect(nearestFirst(soon, whole).verdict).toBe('pass');
  const cut = local(preferLocal, {
    tamper: (made) =>
      made.source === 'client-1' && made.atMs > CHANGE_MS - 50 && made.atMs < CHANGE_MS
        ? { ...made, pod: 'server-2', latencyMs: 120 }
        : made,
  });
  expect(nearestFirst(cut, whole).verdict).toBe('pass');
});

test('nearest-first: round robin over all is not it; nothing answered is unknown', () => {
  expect(nearestFirst(local(all), whole).verdict).toBe('fail');
  expect(nearestFirst(edit(local(all), without('call')), whole).verdict).toBe('unknown');
});

test('even-in-tier: over the nearest, or over all', () => {
  expect(evenInTier(local(preferLocal), { ...baseline, nearness: true })).toMatchObject({
    verdict: 'pass',
    message: 'even: client-1 100.0%, client-2 50.0% and 50.0%, client-3 100.0%',
  });
  expect(evenInTier(local(preferLocal), { ...baseline, nearness: false })).toMatchObject({
    verdict: 'fail',
    message: 'not even: client-1 100.0% and 0.0%, client-3 0.0% and 100.0%',
  });
  expect(evenInTier(local(all), { ...baseline, nearness: false }).verdict).toBe('pass');
  expect(evenInTier(local(all), { ...baseline, nearness: true }).verdict).toBe('fail');
});

test('even-in-tier: one that gets too much is seen; too few calls are unknown', () => {
  const lopsided = local(preferLocal, {
    tamper: (made) =>
      made.source === 'client-2' && made.seq % 40 === 0 ? { ...made, pod: 'server-1' } : made,
  });
  expect(evenInTier(lopsided, { ...baseline, nearness: true }).verdict).toBe('pass');
  const more = local(preferLocal, {
    tamper: (made) =>
      made.source === 'client-2' && made.seq % 4 !== 1 ? { ...made, pod: 'server-1' } : made,
  });
  expect(evenInTier(more, { ...baseline, nearness: true }).message).toBe(
    'not even: client-2 75.0% and 25.0%',
  );
  const few = local(preferLocal, { ratePerSecond: 3 });
  expect(evenInTier(few, { ...baseline, nearness: true }).verdict).toBe('unknown');
});

const load = { arm: ARM, ratePerSecond: 60, burst: 1 };

test('moved-elsewhere: the next call is answered by another pod', () => {
  expect(movedElsewhere(local(preferLocal), load)).toMatchObject({ verdict: 'pass' });
  expect(movedElsewhere(local(preferLocal), load).message).toMatch(
    /^client-1 went on elsewhere 12ms after it lost server-1 \(bound 50ms\), and was answered in 2ms \(bound 52ms: before it took 2ms, of \d+ calls of others around it the slowest 2ms\)$/,
  );
});

test('moved-elsewhere: calls that fail in between make it late, unless the client was held up itself', () => {
  const inBetween = ({ source, atMs }: Call) =>
    source === 'client-1' && atMs >= CHANGE_MS && atMs < CHANGE_MS + 70;
  const failing = local(preferLocal, { tamper: (made) => (inBetween(made) ? unanswered(made) : made) });
  expect(movedElsewhere(failing, load)).toMatchObject({ verdict: 'fail' });
  // Calls that come less often than every 50 ms have until the first one that is due.
  expect(movedElsewhere(failing, { ...load, ratePerSecond: 10 }).verdict).toBe('pass');
  const heldUpMs = 110;
  const late = local(preferLocal, {
    tamper: (made) => {
      const lateMs = CHANGE_MS + heldUpMs - made.atMs;
      const isHeldUp = made.source === 'client-1' && lateMs > 0 && lateMs < heldUpMs - 10;
      return isHeldUp ? { ...made, lateMs, latencyMs: lateMs + 2 } : made;
    },
  });
  expect(movedElsewhere(late, load).message).toContain('105ms after it lost server-1');
  expect(movedElsewhere(late, load).verdict).toBe('pass');
});

test('moved-elsewhere: a call that waits for a connection is late, unless those of others take as long', () => {
  const slow = (...clients: string[]) =>
    local(preferLocal, {
      tamper: (made) =>
        clients.includes(made.source) && made.atMs > CHANGE_MS && made.atMs < CHANGE_MS + 500
          ? { ...made, latencyMs: 2000 }
          : made,
    });
  expect(movedElsewhere(slow('client-1'), load)).toMatchObject({
    verdict: 'fail',
    message: expect.stringContaining('and was answered in 2.0s (bound 52ms: '),
  });
  expect(movedElsewhere(slow('client-1', 'client-2'), load).verdict).toBe('pass');
});

test('moved-elsewhere: never, and nothing to tell', () => {
  expect(movedElsewhere(local(onlyLocal, { pods: [] }), load).verdict).toBe('unknown');
  expect(movedElsewhere(edit(local(preferLocal), without('connectivity')), load)).toMatchObject({
    verdict: 'unknown',
    message: 'nobody saw client-1 lose its connection to server-1',
  });
  const gone = edit(local(onlyLocal), (e) => (e.type === 'call' && e.atMs > BACK_MS ? undefined : e));
  expect(movedElsewhere(gone, load)).toMatchObject({
    verdict: 'fail',
    message: 'client-1 was answered by no other pod',
  });
});

test('local-again', () => {
  expect(localAgain(local(preferLocal), { arm: ARM })).toMatchObject({
    verdict: 'pass',
    message: 'client-1 called server-3 alone 0ms after it was Ready (bound 2.5s)',
  });
  const until = (ms: number) =>
    local(preferLocal, {
      tamper: (made) =>
        made.source === 'client-1' && made.atMs >= BACK_MS && made.atMs < BACK_MS + ms
          ? { ...made, pod: 'server-2' }
          : made,
    });
  expect(localAgain(until(1000), { arm: ARM })).toMatchObject({ verdict: 'pass' });
  expect(localAgain(until(3000), { arm: ARM })).toMatchObject({ verdict: 'fail' });
  expect(localAgain(local(staying()), { arm: ARM })).toMatchObject({
    verdict: 'fail',
    message: 'client-1 did not come back to server-3 (bound 2.5s)',
  });
  expect(localAgain(edit(local(preferLocal), without('fault')), { arm: ARM }).verdict).toBe('unknown');
});

test('connection-bound: stays, and connects to the own node where it can', () => {
  expect(connectionBound(local(staying()), { arm: ARM })).toMatchObject({
    verdict: 'pass',
    message: '5 times a client connected, 2 of them to its own node; none left a pod that was there',
  });
});

test('connection-bound: a client that hangs when its pod goes is named', () => {
  const hangs = edit(local(staying()), (e) =>
    e.type === 'call' && e.source === 'client-1' && e.atMs > CHANGE_MS ? unanswered(e) : e,
  );
  expect(connectionBound(hangs, { arm: ARM })).toMatchObject({
    verdict: 'pass',
    message: expect.stringContaining('; client-1 hung when its pod went, to the end'),
  });
});

test('connection-bound: that a pod goes may be seen late', () => {
  const late = edit(local(staying()), (e) =>
    e.type === 'pod' && e.pod === 'server-1' && e.deleted ? { ...e, atMs: CHANGE_MS + 4000 } : e,
  );
  expect(connectionBound(late, { arm: ARM }).verdict).toBe('pass');
});

test('connection-bound: a call under way when its pod goes is answered by another, on a connection made since', () => {
  const startedMs = CHANGE_MS - 22;
  const underWay = (latencyMs: number) => {
    let last: Call | undefined;
    return edit(local(staying()), (e) => {
      if (e.type !== 'call' || e.source !== 'client-1' || e.atMs < startedMs || e.atMs > CHANGE_MS + 10)
        return e;
      const isFirst = last === undefined;
      last = e;
      return isFirst ? { ...e, pod: 'server-2', atMs: startedMs, latencyMs } : undefined;
    });
  };
  expect(connectionBound(underWay(100), { arm: ARM })).toMatchObject({ verdict: 'pass' });
  expect(connectionBound(underWay(10), { arm: ARM }).message).toMatch(/with a Ready one on its own node/);
});

test('connection-bound: moves that nothing asked for, and connections that pass a local pod by', () => {
  expect(connectionBound(local(preferLocal), { arm: ARM })).toMatchObject({ verdict: 'fail' });
  expect(connectionBound(local(preferLocal), { arm: ARM }).message).toMatch(
    /client-1 left server-2, which was still there, for server-3 6.0s after the change/,
  );
  const far = local((client, called) =>
    called.filter(({ pod }) => (client === 'client-1' ? pod === 'server-2' : true)).slice(0, 1),
  );
  const onlyLater = edit(far, (e) => (e.type === 'call' && e.atMs < 3000 ? undefined : e));
  expect(connectionBound(onlyLater, { arm: ARM }).message).toMatch(
    /^client-1 connected to server-2 7.0s before the change, with a Ready one on its own node/,
  );
  expect(connectionBound(edit(far, without('call')), { arm: ARM }).verdict).toBe('unknown');
});

test('local-only', () => {
  expect(localOnly(local(onlyLocal), whole)).toMatchObject({ verdict: 'pass' });
  expect(localOnly(local(onlyLocal), whole).message).toMatch(
    /^all 2,9\d\d answers came from the own node; without a Ready server there 19\d\d of 1,9\d\d calls of 2 clients failed$/,
  );
  expect(localOnly(local(preferLocal), whole)).toMatchObject({ verdict: 'fail' });
  expect(localOnly(local(preferLocal), whole).message).toMatch(
    /came from another node, the first .*: client-2/,
  );
  const everywhere = edit(local(onlyLocal), (e) =>
    e.type === 'pod' && e.app === 'greeter-client' ? { ...e, node: 'n3' } : e,
  );
  const part = { fromMs: BASELINE_MS, untilMs: CHANGE_MS };
  const onlyN3 = edit(everywhere, (e) => (e.type === 'call' && e.source === 'client-1' ? undefined : e));
  expect(localOnly(onlyN3, { arm: ARM, part })).toMatchObject({
    verdict: 'unknown',
    message: 'no client was without a server on its node for long enough to tell',
  });
  expect(localOnly(edit(local(onlyLocal), without('call')), whole).verdict).toBe('unknown');
});

test('said-once', () => {
  const line = (source: string): HistoryEvent => ({
    type: 'log',
    arm: ARM,
    source,
    atMs: UNTIL_MS,
    text: `{"warning":"it is plain"}`,
  });
  const said = (...sources: string[]) =>
    saidOnce([...local(all), ...sources.map(line)], { arm: ARM, text: 'plain' });
  expect(said(...CLIENTS)).toMatchObject({ verdict: 'pass', message: '3 clients said once: "plain"' });
  expect(said('client-1', 'client-2')).toMatchObject({
    verdict: 'fail',
    message: '"plain" was said by client-3 0 times',
  });
  expect(said(...CLIENTS, 'client-1')).toMatchObject({ verdict: 'fail' });
  expect(said().verdict).toBe('unknown');
});
