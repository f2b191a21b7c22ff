import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createEventLog } from '../../services/greeter-client/event-log.ts';
import { openEventStream } from '../../services/greeter-client/event-stream.ts';
import { createLatencyHistogram } from '../../services/greeter-client/latency.ts';
import { resolutionsIn } from '../../services/greeter-client/stacks/channelz-trace.ts';
import { serviceConfig } from '../../services/greeter-client/stacks/service-config.ts';
import { createCounters } from '../../services/greeter-server/counters.ts';
import type { AgentEvent } from '../../services/protocol/index.ts';
import { until } from './harness.ts';

const event = (atMs: number): AgentEvent => ({ type: 'workload', workload: 'w', phase: 'started', atMs });

describe('counters', () => {
  it('do not grow without bound, whatever clients call themselves', () => {
    const counters = createCounters(2);
    for (const client of ['a', 'b', 'c', '__proto__', 'a'])
      counters.ended(counters.started(client, 0, '10.0.0.1:1'), true);
    expect(counters.snapshot()).toEqual({
      a: { startedByPreviousAttempts: [2], ok: 2, failed: 0 },
      b: { startedByPreviousAttempts: [1], ok: 1, failed: 0 },
      other: { startedByPreviousAttempts: [2], ok: 2, failed: 0 },
    });
    counters.started('a', 1e9, '10.0.0.1:1');
    expect(counters.snapshot().a?.startedByPreviousAttempts).toHaveLength(16);
  });
});

describe('service config', () => {
  it('writes durations as grpc-js reads them', () => {
    const retry = {
      maxAttempts: 4,
      initialBackoffMs: 200,
      maxBackoffMs: 1500.5,
      backoffMultiplier: 2,
      retryableStatusCodes: ['UNAVAILABLE'],
    };
    expect(JSON.parse(serviceConfig({ policy: 'round_robin', retry }))).toEqual({
      loadBalancingConfig: [{ round_robin: {} }],
      methodConfig: [
        {
          name: [{ service: 'greet.Greeter' }],
          retryPolicy: {
            maxAttempts: 4,
            initialBackoff: '0.200000000s',
            maxBackoff: '1.500500000s',
            backoffMultiplier: 2,
            retryableStatusCodes: ['UNAVAILABLE'],
          },
        },
      ],
    });
  });
});

describe('channelz trace', () => {
  const entry = (systemMs: number, description: string) => ({ systemMs, description });
  const created = 'Created subchannel or used existing subchannel';
  const state = 'Connectivity state change to READY';
  const succeeded = 'Address resolution succeeded';
  const failed = 'Address resolution failed: it brought no addresses';

  it('tells a resolution that brought addresses from one that did not', () => {
    const trace = [
      entry(1, 'Channel created'),
      entry(5, created),
      entry(5, created),
      entry(5, state),
      entry(6, succeeded),
      entry(50, succeeded),
      entry(60, created),
      entry(90, state),
      entry(90, succeeded),
      entry(99, 'Address resolution failed with code 14 and details "x"'),
    ];
    expect(resolutionsIn(trace, trace.length)).toEqual([
      { systemMs: 6, ok: true, detail: succeeded },
      { systemMs: 50, ok: false, detail: failed },
      { systemMs: 90, ok: false, detail: failed },
      { systemMs: 99, ok: false, detail: 'Address resolution failed with code 14 and details "x"' },
    ]);
    expect(resolutionsIn(trace, 5).map(({ systemMs }) => systemMs)).toEqual([50, 90, 99]);
    expect(resolutionsIn(trace, 0)).toEqual([]);
  });
});

describe('latency histogram', () => {
  it('summarises in milliseconds, and holds any count and any value', () => {
    const histogram = createLatencyHistogram();
    for (let count = 0; count < 70_000; count += 1) histogram.record(2);
    for (let count = 0; count < 700; count += 1) histogram.record(100);
    histogram.record(1e9);
    histogram.record(-1);
    const summary = histogram.summary();
    expect(summary.count).toBe(70_702);
    expect(summary.p50Ms).toBeCloseTo(2, 2);
    expect(summary.p999Ms / 100).toBeCloseTo(1, 2);
    expect(summary.maxMs / 2_000_000).toBeCloseTo(1, 2);
  });
});

describe('event stream', () => {
  it('waits for a slow reader, and tells it what was thrown away meanwhile', async () => {
    const log = createEventLog(2000);
    const taken: string[] = [];
    let release = () => {};
    const slow = new Writable({
      highWaterMark: 1,
      write(chunk, _encoding, done) {
        taken.push(String(chunk));
        release = done;
      },
    });
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    openEventStream(log, { pod: 'p', node: 'n' }, 0, slow);
    for (let count = 0; count < 5000; count += 1) log.append(event(count));
    vi.advanceTimersByTime(1000);
    expect(slow.writableLength).toBeLessThan(1000);
    await until('all is read', () => {
      release();
      return taken.join('').includes('"atMs":4999');
    });
    slow.destroy();
    const lines = taken
      .join('')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as AgentEvent);
    expect(lines[0]).toMatchObject({ type: 'hello', from: 0 });
    expect(lines[1]).toMatchObject({ type: 'dropped', count: 3000 });
    expect(lines.slice(2)).toEqual(Array.from({ length: 2000 }, (_, index) => event(3000 + index)));
  });

  it('sends what is left when it is ended', async () => {
    const log = createEventLog(10);
    const lines = new PassThrough();
    const stream = openEventStream(log, { pod: 'p', node: 'n' }, 0, lines);
    log.append(event(1));
    const ended = stream.end();
    const text: Buffer[] = [];
    for await (const chunk of lines) text.push(chunk);
    await ended;
    expect(Buffer.concat(text).toString()).toContain('"atMs":1}');
  });
});
