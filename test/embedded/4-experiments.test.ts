// Experiments of the library and of DNS on an embedded cluster.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import retry from '../../scripts/experiments/retry/index.ts';
import type { RunDocument } from '../../scripts/report/index.ts';
import { lab } from '../support/cli.ts';
import { passing } from '../support/passing.ts';
import { planOf } from '../support/plan.ts';
import { connectTo, historyOf, LAB, leftOvers, withArmsSwapped } from './support.ts';

beforeAll(async () => {
  const up = await lab('lab-up', ['--name', LAB, '--provider', 'embedded']);
  expect(up.exitCode, up.stderr).toBe(0);
});

afterAll(async () => {
  await lab('lab-down', ['--name', LAB]);
});

const on = { name: LAB, leftOvers: () => leftOvers(LAB) };
const rowsOf = ({ tables }: RunDocument, index = 0) =>
  new Map(tables[index]?.rows.map(([head = '', ...cells]) => [head, cells]));

describe('resolver', () => {
  it('passes: a watch finds new pods, polling and max age do in their time, plain DNS does not', async () => {
    // Connections that age more often are never even for 6 s on a machine where making one takes 0.2 s.
    const document = await passing(on, 'resolver', '--poll 1s,3s --max-connection-age 8s --dns-floor 5s');
    const waits = rowsOf(document);
    expect([...waits.keys()]).toEqual(['dns-max-age', 'dns-poll-1s', 'dns-poll-3s', 'watch', 'dns-only']);
    expect(waits.get('dns-only')?.at(-1)).toBe('never');
    expect(waits.get('dns-only')?.at(-2)).toBe('never');
  });
});

describe('locality', () => {
  it('passes: each way to keep calls on the own node does as it should when the local pod goes', async () => {
    const document = await passing(on, 'locality', '--ready-after 3s --window 10s');
    const shares = [...rowsOf(document)].filter(([head]) => head.startsWith('prefer-same-node'));
    expect(shares).toHaveLength(3);
    expect(shares.filter(([, [before]]) => before?.startsWith('100%'))).toHaveLength(2);
    expect(shares.filter(([, [, , after]]) => after?.startsWith('100%'))).toHaveLength(2);
    expect(rowsOf(document, 1).get('prefer-same-node')).not.toContain('never');
  });
});

describe('retry', () => {
  const FEWER = '--overloads 0.5,1.25 --step 6s';

  it('passes: retries help against failures, make an overload worse, and throttling stops them; and the same history fails with arms swapped', async () => {
    const document = await passing(on, 'retry', FEWER);
    const figures = rowsOf(document);
    expect([...figures.keys()]).toEqual(['none', 'retry', 'retry-elsewhere', 'hedging', 'throttled']);
    expect(figures.get('retry-elsewhere')?.[2]).toMatch(/^100.0% × /);
    expect(figures.get('retry')?.[2]).not.toMatch(/^100.0% × /);
    expect([...rowsOf(document, 1).keys()]).toEqual(['0.5', '1.25']);
    expect(document.plots.map(({ series }) => series.length)).toEqual([8]);
    expect(document.arms.every(({ calls }) => calls > 2000)).toBe(true);

    const history = await historyOf(document);
    const judgedWithSwapped = (one: string, other: string) => {
      const { findings, judgement } = planOf(retry, FEWER).judge(withArmsSwapped(history, one, other));
      const failed = findings
        .filter(({ verdict }) => verdict !== 'pass')
        .map(({ arm, check, verdict }) => `${arm} ${check} ${verdict}`);
      return { failed, ...judgement };
    };
    const again = judgedWithSwapped('retry', 'retry-elsewhere');
    expect(again.verdict).toBe('fail');
    expect(again.failed).toEqual(
      expect.arrayContaining([
        'retry success-share sick fail',
        'retry-elsewhere success-share sick fail',
        'retry-elsewhere compared-with-retry sick fail',
      ]),
    );
    expect(again.reasons.join('\n')).toMatch(
      /retry-elsewhere: .* of calls succeeded, 100.0% of those of retry: a difference of -/,
    );
    const throttled = judgedWithSwapped('retry', 'throttled');
    expect(throttled.verdict).toBe('fail');
    expect(throttled.failed).toEqual(
      expect.arrayContaining(['retry worse-from-none fail', 'throttled worse-from-none fail']),
    );
    expect(throttled.reasons.join('\n')).toMatch(/retry: nowhere worse than none .*, expected somewhere/);
    expect(throttled.reasons.join('\n')).toMatch(/throttled: becomes worse than none .*, expected nowhere/);
  });

  it('leaves nothing behind when it is interrupted while servers fail', async () => {
    const short = ['--warmup', '1s', '--step', '6s', '--name', LAB];
    const interrupted = await lab('experiment', ['retry', ...short], {
      signal: { name: 'SIGINT', when: (stderr) => stderr.includes('failing: watching') },
    });
    expect(interrupted.exitCode).toBe(130);
    expect(await leftOvers(LAB)).toHaveLength(0);
  });
});

describe('dns-outage', () => {
  it('passes: who has a connection does not notice, who begins with a name does', async () => {
    const { arms } = await passing(on, 'dns-outage', '--warmup 3s --hold 8s');
    expect(arms.map(({ arm }) => arm)).toEqual([
      'connected',
      'max-age',
      'poll',
      'late',
      'late-poll',
      'late-watch',
      'late-address',
    ]);
  });

  it('passes with slow DNS, also where one that was killed has left it so: the next mends it first', async () => {
    const broken = async () => {
      const { items } = await connectTo(LAB).core.listNamespacedConfigMap({ namespace: 'kube-system' });
      return items.map(({ data }) => data?.failure).filter((failure) => failure !== undefined);
    };
    const slow = ['--by', 'slow', '--warmup', '1s', '--hold', '60s', '--name', LAB];
    await lab('experiment', ['dns-outage', ...slow], {
      signal: { name: 'SIGKILL', when: (stderr) => stderr.includes('DNS broken: watching') },
    });
    expect(await broken()).toEqual(['slow']);
    await passing(on, 'dns-outage', '--by slow --warmup 1s --hold 10s');
    expect(await broken()).toEqual([]);
  });
});
