// Stretches without an answer, and an outage from its beginning to its end.
import { describe, expect, it } from 'vitest';
import { type HistoryEvent, longestSilence, outageOf, silenceMs } from '../../scripts/history/index.ts';
import { ARM, call, edit, historyOf, mark, podSeen, servers, unanswered } from '../support/history.ts';

const part = { fromMs: 0, untilMs: 10_000 };
const calls = (...answeredMs: number[]) => answeredMs.map((atMs, seq) => call(seq, atMs - 2));

describe('the longest silence', () => {
  it('is from one answer to the next, whatever was asked in between', () => {
    const history = [...calls(1000, 2000, 6000, 9000), unanswered(call(9, 3000))];
    const silence = longestSilence(history, ARM, part);
    expect(silence).toEqual({ client: 'client-1', fromMs: 2000, toMs: 6000 });
    expect(silence && silenceMs(silence, part)).toBe(4000);
  });

  it('may begin with the part, and may go on to its end', () => {
    expect(longestSilence(calls(7000, 8000), ARM, part)).toMatchObject({ fromMs: 0, toMs: 7000 });
    const silence = longestSilence(calls(1000, 2000), ARM, part);
    expect(silence).toMatchObject({ fromMs: 2000, toMs: undefined });
    expect(silence && silenceMs(silence, part)).toBe(8000);
  });

  it('is over when a call that waited is answered', () => {
    const waited = call(5, 3000, { latencyMs: 2500 });
    expect(longestSilence([...calls(1000, 2000, 9700), waited], ARM, part)).toMatchObject({
      fromMs: 5500,
      toMs: 9700,
    });
  });

  it('is the longest of those that began in time, where that is asked for', () => {
    const history = calls(1000, 2000, 4000, 9000);
    expect(longestSilence(history, ARM, part, { beganByMs: 3000 })).toMatchObject({
      fromMs: 2000,
      toMs: 4000,
    });
  });

  it('is that of one client: answers to others do not count', () => {
    const other = calls(500, 4000, 9500).map((made) => ({ ...made, source: 'client-2' }));
    expect(longestSilence([...calls(3000, 6000, 9000), ...other], ARM, part)).toMatchObject({
      client: 'client-2',
      fromMs: 4000,
      toMs: 9500,
    });
  });

  it('is none where nothing was asked', () => {
    expect(longestSilence([], ARM, part)).toBeUndefined();
  });
});

describe('an outage', () => {
  const replaced = (calledFromMs: number): HistoryEvent[] => [
    ...historyOf({
      clients: ['client-1'],
      untilMs: 30_000,
      pods: [
        ...servers(2, { readyAtMs: 0, terminatingAtMs: 10_100, goneAtMs: 10_200 }),
        ...servers(2, { readyAtMs: 13_000, calledFromMs }, 3),
      ],
    }),
    mark('end', 30_000),
  ];

  it('is from the last answer to Ready, and from Ready to the first answer', () => {
    const outage = outageOf(replaced(17_000), ARM);
    expect(outage).toMatchObject({ readyMs: 13_000 });
    if ('missing' in outage) return expect.fail(outage.missing);
    expect(outage.downMs).toBeCloseTo(2900, -2);
    expect(outage.recoveryMs).toBeCloseTo(4000, -2);
  });

  it('may never be over', () => {
    expect(outageOf(replaced(30_000), ARM)).toMatchObject({ recoveryMs: undefined });
  });

  it('of containers is over when the same pods are Ready again', () => {
    const pods = servers(1, { readyAtMs: 0, calledUntilMs: 10_000 });
    const history = [
      ...historyOf({ clients: ['client-1'], untilMs: 20_000, pods }),
      podSeen('server-1', 10_400, { ready: false, restarts: 1, ip: '10.0.0.1' }),
      podSeen('server-1', 12_000, { restarts: 1, ip: '10.0.0.1' }),
      call(9999, 13_000, { pod: 'server-1' }),
      mark('end', 20_000),
    ];
    expect(outageOf(history, ARM)).toMatchObject({ readyMs: 12_000, recoveryMs: 1002 });
  });

  it('is none where nothing was done, nobody called, or no server came back', () => {
    const without = (type: string) =>
      edit(replaced(17_000), (event) => (event.type === type ? undefined : event));
    expect(outageOf(without('fault'), ARM)).toEqual({ missing: 'nothing was done to the servers' });
    expect(outageOf(without('call'), ARM)).toEqual({ missing: 'no call was started' });
    const never = edit(replaced(17_000), (event) =>
      event.type === 'pod' && ['server-3', 'server-4'].includes(event.pod)
        ? { ...event, ready: false }
        : event,
    );
    expect(outageOf(never, ARM)).toEqual({ missing: 'no server was seen to get Ready again' });
  });
});
