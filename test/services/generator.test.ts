import { describe, expect, it } from 'vitest';
import { type Clock, startGenerator } from '../../services/greeter-client/generator.ts';

/** A clock that stands still until it is told to move. */
function fakeClock() {
  let nowMs = 0;
  let timers: { atMs: number; callback: () => void }[] = [];
  const clock: Clock = {
    nowMs: () => nowMs,
    after(ms, callback) {
      const timer = { atMs: nowMs + ms, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
  };
  return {
    clock,
    timers: () => timers.length,
    moveTo(toMs: number): void {
      for (;;) {
        const next = timers.filter(({ atMs }) => atMs <= toMs).sort((a, b) => a.atMs - b.atMs)[0];
        if (!next) break;
        timers = timers.filter((other) => other !== next);
        nowMs = Math.max(nowMs, next.atMs);
        next.callback();
      }
      nowMs = toMs;
    },
    /** Nothing runs until `toMs`, as in a blocked process. */
    blockTo(toMs: number): void {
      nowMs = toMs;
    },
  };
}

function generate(ratePerSecond: number, concurrency = 1000) {
  const time = fakeClock();
  const starts: { seq: number; intendedMs: number; startedMs: number }[] = [];
  const generator = startGenerator({
    ratePerSecond,
    concurrency,
    clock: time.clock,
    start: (seq, intendedMs, startedMs) => starts.push({ seq, intendedMs, startedMs }),
  });
  return { time, starts, generator };
}

describe('generator', () => {
  it('starts each call at its time, whatever became of the ones before', () => {
    const { time, starts, generator } = generate(100);
    time.moveTo(50);
    expect(starts).toEqual(
      [0, 10, 20, 30, 40, 50].map((ms, seq) => ({ seq, intendedMs: ms, startedMs: ms })),
    );
    expect(generator.counts()).toEqual({ due: 6, started: 6, ended: 0, inFlight: 6 });
  });

  it('catches up after a stall, with the times that were meant', () => {
    const { time, starts, generator } = generate(1000);
    time.blockTo(499.5);
    expect(generator.counts()).toMatchObject({ due: 500, started: 1 });
    time.moveTo(499.5);
    expect(starts).toHaveLength(500);
    expect(starts.map(({ intendedMs }) => intendedMs)).toEqual(Array.from({ length: 500 }, (_, seq) => seq));
    expect(starts[1]).toEqual({ seq: 1, intendedMs: 1, startedMs: 499.5 });
  });

  it('lets other work in between while it catches up', () => {
    const { time, starts } = generate(1000, 100_000);
    time.blockTo(10_000);
    let between = 0;
    time.clock.after(0, () => {
      between = starts.length;
    });
    time.moveTo(10_000);
    expect(starts).toHaveLength(10_001);
    expect(between).toBeLessThan(1000);
  });

  it('holds due calls back while as many as `concurrency` are in flight', () => {
    const { time, starts, generator } = generate(100, 2);
    time.moveTo(50);
    expect(generator.counts()).toEqual({ due: 6, started: 2, ended: 0, inFlight: 2 });
    generator.ended();
    expect(starts.at(-1)).toEqual({ seq: 2, intendedMs: 20, startedMs: 50 });
    generator.changeConcurrency(100);
    expect(generator.counts()).toEqual({ due: 6, started: 6, ended: 1, inFlight: 5 });
    generator.changeConcurrency(1);
    generator.ended();
    time.moveTo(100);
    expect(generator.counts()).toMatchObject({ due: 11, started: 6 });
  });

  it('changes its rate', () => {
    const { time, starts, generator } = generate(10);
    time.moveTo(100);
    generator.changeRate(100);
    time.moveTo(120);
    expect(starts.map(({ startedMs }) => startedMs)).toEqual([0, 100, 110, 120]);
    expect(time.timers()).toBe(1);
  });

  it('stops: starts nothing more, and is done when nothing is in flight', async () => {
    const { time, starts, generator } = generate(100);
    time.moveTo(10);
    let done = false;
    const stopped = generator.stop().then(() => {
      done = true;
    });
    time.moveTo(1000);
    expect(starts).toHaveLength(2);
    expect(time.timers()).toBe(0);
    generator.changeRate(1000);
    generator.ended();
    await Promise.resolve();
    expect(done).toBe(false);
    generator.ended();
    await stopped;
    expect(generator.counts()).toEqual({ due: 2, started: 2, ended: 2, inFlight: 0 });
  });
});
