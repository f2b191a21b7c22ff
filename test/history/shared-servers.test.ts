// Arms that call the servers of another one: what is known of those servers is known of all their callers.
import { describe, expect, it } from 'vitest';
import { accounting, historyComplete } from '../../scripts/checks/index.ts';
import { gapsOf, type HistoryEvent, placesOf, podsOf, SERVER_APP } from '../../scripts/history/index.ts';
import { refuseSharedNothing } from '../../scripts/stage/index.ts';
import { counters, edit, historyOf, servers } from '../support/history.ts';

const CALLERS = ['first', 'second'];

/** Two arms with a client each, and one with the servers that both call. */
function shared(): HistoryEvent[] {
  const pods = servers(2, { readyAtMs: 0, node: 'worker', zone: 'a' });
  const callers = CALLERS.flatMap((arm): HistoryEvent[] => [
    { type: 'shared-servers', source: 'driver', atMs: -1, arm, serversOf: 'servers' },
    ...historyOf({ arm, clients: [`client-of-${arm}`], ratePerSecond: 20, untilMs: 10_000, pods }).filter(
      ({ type }) => type === 'call' || type === 'workload-end' || type === 'clock',
    ),
    ...historyOf({ arm, clients: [`client-of-${arm}`], ratePerSecond: 1, untilMs: 1000, pods: [] }).filter(
      ({ type }) => type === 'pod',
    ),
  ]);
  const ofServers = historyOf({ arm: 'servers', clients: [], pods }).filter(
    ({ type }) => type === 'pod' || type === 'endpoints',
  );
  const counts = pods.map(({ pod }) => {
    const [first, second] = CALLERS.map((arm) =>
      counters(pod, 20_000, { [`client-of-${arm}`]: [100] }, true, arm),
    );
    return { ...first, arm: 'servers', clients: { ...first?.clients, ...second?.clients } } as HistoryEvent;
  });
  return [...callers, ...ofServers, ...counts].sort((a, b) => a.atMs - b.atMs);
}

describe('shared servers', () => {
  it('are the servers of each arm that calls them', () => {
    for (const arm of CALLERS) expect(podsOf(shared(), arm, SERVER_APP)).toHaveLength(2);
  });

  it('count each caller by itself', () => {
    for (const arm of CALLERS) {
      expect(accounting(shared(), { arm, maxAttempts: 1 })).toMatchObject({
        verdict: 'pass',
        message: expect.stringMatching(/^2 servers got 200 attempts, clients got 200 answers/),
      });
    }
    const more = edit(shared(), (event) =>
      event.type === 'counters'
        ? counters(event.source, event.atMs, { 'client-of-first': [101] }, true, 'first')
        : event,
    ).map((event) => (event.type === 'counters' ? { ...event, arm: 'servers' } : event));
    expect(accounting(more, { arm: 'first', maxAttempts: 1 }).message).toMatch(/2 attempts .* beyond/);
    expect(accounting(more, { arm: 'second', maxAttempts: 1 }).message).toMatch(/counted 0 first attempts/);
  });

  it('leave a gap in the history of all that call them', () => {
    const gap = (arm: string): HistoryEvent => ({
      type: 'gap',
      source: 'driver',
      atMs: 5000,
      arm,
      reason: 'server-1 was restarted',
    });
    for (const arm of CALLERS) {
      const complete = historyComplete(shared(), { arm, clients: 1 });
      expect(complete, complete.message).toMatchObject({ verdict: 'pass' });
      const broken = [...shared(), gap('servers')];
      expect(historyComplete(broken, { arm, clients: 1 })).toMatchObject({
        verdict: 'unknown',
        message: expect.stringContaining('server-1 was restarted'),
      });
    }
    expect(gapsOf([...shared(), gap('second')], 'first')).toEqual([]);
  });

  it('are as near to a client as their node is', () => {
    const history = edit(shared(), (event) =>
      event.type === 'pod' && event.pod === 'client-of-first' ? { ...event, node: 'worker' } : event,
    );
    const elsewhere = edit(history, (event) =>
      event.type === 'pod' && event.pod === 'server-1' ? { ...event, node: 'other' } : event,
    ).map((event) =>
      event.type === 'endpoints'
        ? {
            ...event,
            endpoints: event.endpoints.map((each) =>
              each.pod === 'server-1' ? { ...each, node: 'other' } : each,
            ),
          }
        : event,
    );
    expect(placesOf(elsewhere, 'first').tierOf('client-of-first', 'server-1', 5000)).toBe(1);
    expect(placesOf(elsewhere, 'first').tierOf('client-of-first', 'server-2', 5000)).toBe(0);
  });
});

describe('a plan with shared servers', () => {
  const arm = { clients: 1, servers: 0, serverEnv: {} };
  const ofServers = { name: 'servers', clients: 0, servers: 2, serverEnv: {} };

  it('is refused where they are not there, or where there are more', () => {
    const caller = { ...arm, name: 'caller', serversOf: 'servers' };
    expect(() => refuseSharedNothing([ofServers, caller])).not.toThrow();
    expect(() => refuseSharedNothing([{ ...arm, name: 'alone' }])).not.toThrow();
    const none = 'servers has no servers to share';
    expect(() => refuseSharedNothing([caller])).toThrow(none);
    expect(() => refuseSharedNothing([{ ...ofServers, servers: 0 }, caller])).toThrow(none);
    expect(() => refuseSharedNothing([ofServers, { ...caller, servers: 1 }])).toThrow('none of its own');
  });
});
