// A server with a capacity: what it serves, what it refuses, and that refusing costs it.
import { describe, expect, it } from 'vitest';
import { overloaded } from '../../scripts/experiments/retry/model.ts';
import { createAdmission, createGate } from '../../services/greeter-server/capacity.ts';
import { greet, openGreeter } from './grpc-clients.ts';
import { startServer } from './harness.ts';

const HUNDRED = { callsPerSecond: 100, refusalCost: 0.5 };

/** Of calls that come at an even rate for 20 s, the share that is served after the first 5 s. */
function servedShare(ratePerSecond: number, capacity = HUNDRED): number {
  const { admits } = createAdmission(capacity, 0);
  const admitted = Array.from({ length: 20 * ratePerSecond }, (_, n) => admits((n * 1000) / ratePerSecond));
  const later = admitted.slice(5 * ratePerSecond);
  return later.filter(Boolean).length / later.length;
}

describe('an admission', () => {
  it('serves all that it has capacity for', () => {
    expect(servedShare(50)).toBe(1);
    expect(servedShare(100)).toBe(1);
  });

  it('loses capacity to what it refuses, as the model says', () => {
    for (const overload of [1.1, 1.25, 1.5, 1.9]) {
      const expected = overloaded(overload, 0.5, { attempts: 1, elsewhere: false }).share;
      expect(servedShare(100 * overload)).toBeCloseTo(expected, 1.5);
    }
    expect(servedShare(200)).toBeLessThan(0.01);
    expect(servedShare(1000)).toBe(0);
  });

  it('loses none where refusing is free', () => {
    expect(servedShare(200, { ...HUNDRED, refusalCost: 0 })).toBeCloseTo(0.5, 2);
  });

  it('begins with what 200 ms bring, and takes what has come together in a second at most', () => {
    const burst = (capacity: typeof HUNDRED, afterMs: number) => {
      const { admits } = createAdmission(capacity, 0);
      return Array.from({ length: 300 }, () => admits(afterMs)).filter(Boolean).length;
    };
    expect(burst(HUNDRED, 0)).toBe(20);
    expect(burst(HUNDRED, 500)).toBe(70);
    expect(burst({ ...HUNDRED, callsPerSecond: 1 }, 0)).toBe(1);
    expect(burst(HUNDRED, 60_000)).toBe(100);
    expect(burst({ callsPerSecond: 0.5, refusalCost: 0.5 }, 60_000)).toBe(1);
  });

  it('refuses nobody of regular bursts that it has capacity for, from the first on', () => {
    const { admits } = createAdmission(HUNDRED, 0);
    const bursts = Array.from({ length: 40 }, (_, n) => Array.from({ length: 8 }, () => admits(n * 100)));
    expect(bursts.flat().every(Boolean)).toBe(true);
  });

  it('does no less for calls that come in bursts', () => {
    const { admits } = createAdmission(HUNDRED, 0);
    const bursts = Array.from({ length: 40 }, (_, n) => Array.from({ length: 75 }, () => admits(n * 600)));
    const later = bursts.slice(10).flat();
    expect(later.filter(Boolean).length / later.length).toBeCloseTo(0.6, 1.5);
  });

  it('is itself again a second after the worst', () => {
    const { admits } = createAdmission(HUNDRED, 0);
    for (let n = 0; n < 10_000; n += 1) admits(0);
    expect(admits(1000)).toBe(false);
    expect(admits(1100)).toBe(true);
  });
});

describe('a gate', () => {
  it('begins anew with each capacity, and is open without one', () => {
    const admits = createGate(() => 0);
    const most = { callsPerSecond: 4, refusalCost: 0.5 };
    expect([admits(null), admits(undefined)]).toEqual([true, true]);
    expect([admits(most), admits(most)]).toEqual([true, false]);
    expect(admits({ ...most })).toBe(true);
    expect(admits(null)).toBe(true);
    expect(admits(most)).toBe(true);
  });
});

describe('greeter-server', () => {
  it('refuses what is beyond its capacity with UNAVAILABLE, says who refused, and serves again when it is lifted', async () => {
    await using server = await startServer();
    using client = openGreeter(server.target);
    await server.ask('PATCH', '/behaviour', { capacity: { callsPerSecond: 0.01 } });
    expect(await server.ask('GET', '/behaviour')).toMatchObject({
      capacity: { callsPerSecond: 0.01, refusalCost: 0.5 },
    });
    expect((await greet(client)).code).toBe('OK');
    const refused = await greet(client);
    expect(refused.code).toBe('UNAVAILABLE');
    expect(refused.metadata.get('lab-pod')).toEqual(['server-0']);
    await server.ask('PATCH', '/behaviour', { capacity: null });
    expect((await greet(client)).code).toBe('OK');
  });

  it('refuses a capacity that makes no sense', async () => {
    await using server = await startServer();
    const asked = server.ask('PATCH', '/behaviour', { capacity: { callsPerSecond: 0 } });
    await expect(asked).rejects.toThrow('400 {"error":"capacity.callsPerSecond');
  });
});
