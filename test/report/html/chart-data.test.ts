import { describe, expect, it } from 'vitest';
import type { HistoryEvent } from '../../../scripts/history/index.ts';
import { chartDataOf } from '../../../scripts/report/html/chart-data.ts';
import { complete } from '../../support/complete-history.ts';
import {
  ARM,
  call,
  counters,
  fault,
  mark,
  podSeen,
  scaleIn,
  scaleOut,
  unanswered,
} from '../../support/history.ts';

const dataOf = async (history: readonly HistoryEvent[]) => {
  const data = await chartDataOf([history], [ARM]);
  const [arm] = data.arms;
  if (arm === undefined) throw new Error('there is no arm');
  return { ...data, arm };
};
const short = (events: readonly HistoryEvent[]) => dataOf([...events, mark('end', 2000)]);
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

describe('the bins', () => {
  it('are so few that a chart can show them, and of a length that is read easily', async () => {
    const { binS, timesS } = await dataOf(complete(scaleOut(3000)));
    expect(binS).toBe(0.5);
    expect(timesS).toHaveLength(120);
    expect(timesS.slice(0, 3)).toEqual([0, 0.5, 1]);
  });

  it('begin with the first part of the run or the first call, whichever is earlier', async () => {
    const late = await dataOf([mark('warm-up', 1000), call(0, 1500), mark('end', 3000)]);
    expect(late.arm.happened).toEqual([
      { kind: 'part', label: 'warm-up', text: 'warm-up', fromS: 0, untilS: null },
    ]);
    const early = await dataOf([call(0, 500), mark('warm-up', 1000), mark('end', 3000)]);
    expect(early.arm.happened).toMatchObject([{ fromS: 0.5 }]);
  });

  it('are none where nothing was called', async () => {
    expect(await chartDataOf([], [ARM])).toEqual({ timesS: [], binS: 1, arms: [] });
  });
});

describe('requests', () => {
  it('are counted by the pod that answered, when they were started', async () => {
    const { arm } = await short([
      call(0, 0, { pod: 'a' }),
      call(1, 100, { pod: 'a' }),
      call(2, 240, { pod: 'a', lateMs: 20 }),
      call(3, 1000, { pod: 'b' }),
    ]);
    expect(arm.pods.map(({ pod, perSecond }) => [pod, perSecond])).toEqual([
      ['a', [8, 4, 0, 0, 0, 0, 0, 0]],
      ['b', [0, 0, 0, 0, 4, 0, 0, 0]],
    ]);
  });

  it('lose none, and tell new pods from old ones', async () => {
    const { arm, binS } = await dataOf(complete(scaleOut(3000)));
    expect(arm.pods.filter(({ isNew }) => isNew).map(({ pod }) => pod)).toEqual([
      'server-6',
      'server-7',
      'server-8',
      'server-9',
      'server-10',
    ]);
    const all = sum(arm.pods.map(({ perSecond }) => sum(perSecond) * binS)) + sum(arm.unanswered) * binS;
    expect(all).toBe(2 * 200 * 60);
    expect(arm.pods.at(-1)?.perSecond.at(-1)).toBe(40);
    expect(arm.pods.at(-1)?.perSecond[20]).toBe(0);
  });

  it('of another arm are not its own', async () => {
    const { arm } = await short([call(0, 0, { pod: 'a' }), call(1, 10, { pod: 'c', arm: 'control' })]);
    expect(arm.pods.map(({ pod }) => pod)).toEqual(['a']);
  });

  it('that nobody answered are told apart, and by their code', async () => {
    const { arm } = await short([
      unanswered(call(0, 0)),
      call(1, 10, { pod: 'a', code: 'INTERNAL' }),
      unanswered(call(2, 300), 'DEADLINE_EXCEEDED'),
    ]);
    expect(arm.unanswered.slice(0, 3)).toEqual([4, 4, 0]);
    expect(arm.failures.map(({ code, perSecond }) => [code, perSecond.slice(0, 3)])).toEqual([
      ['UNAVAILABLE', [4, 0, 0]],
      ['INTERNAL', [4, 0, 0]],
      ['DEADLINE_EXCEEDED', [0, 4, 0]],
    ]);
  });
});

it('latency has the percentiles of each bin, and nothing where nothing was called', async () => {
  const calls = Array.from({ length: 100 }, (_, seq) => call(seq, 2 * seq, { latencyMs: seq + 1 }));
  const { arm } = await short(calls);
  expect(arm.latency.p50.slice(0, 2)).toEqual([50.5, null]);
  expect(arm.latency.p90[0]).toBe(90.1);
  expect(arm.latency.p99[0]).toBe(99.01);
  expect(arm.latency.max[0]).toBe(100);
});

it('connections stand until the pod tells of others, and end with what it told last', async () => {
  const told = (atMs: number, open: number) => ({
    ...counters('a', atMs, {}),
    connections: { open, opened: open, greeted: open },
  });
  const { arm } = await short([call(0, 0, { pod: 'a' }), told(300, 2), told(1100, 1)]);
  expect(arm.pods[0]?.connections).toEqual([null, 2, 2, 2, 1, null, null, null]);
});

describe('what happened', () => {
  it('is the faults with their end, and the pods that came and left', async () => {
    const { arm } = await dataOf(complete(scaleIn(500)));
    expect(arm.happened.filter(({ kind }) => kind === 'fault')).toEqual([
      { kind: 'fault', label: 'scale', text: '', fromS: 10, untilS: null },
    ]);
    expect(arm.happened.filter(({ kind }) => kind === 'leaving')).toHaveLength(5);
    const healed = await short([
      call(0, 0),
      { ...fault(200), detail: 'x' },
      { ...fault(1200), detail: 'x', phase: 'heal-done' },
      podSeen('late', 600),
    ]);
    expect(healed.arm.happened).toMatchObject([
      { kind: 'fault', fromS: 0.2, untilS: 1.2 },
      { kind: 'ready', text: 'late Ready', fromS: 0.6 },
    ]);
  });
});
