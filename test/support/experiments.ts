// Runs of the experiments beside `scale`, on whichever provider: what they find, and what they leave behind.
import { describe, expect, it } from 'vitest';
import { RunDocument } from '../../scripts/report/index.ts';
import { lab } from './cli.ts';

type On = {
  /** Of the lab. */
  name: string;
  /** What runs have deployed and not removed, `[]` or `''` when nothing. */
  leftOvers: () => Promise<unknown>;
};

/** One run, that passes. */
export async function passing(
  { name, leftOvers }: On,
  experiment: string,
  args: string,
): Promise<RunDocument> {
  const words = args.split(' ').filter(Boolean);
  const result = await lab('experiment', [experiment, ...words, '--name', name, '--json']);
  expect(result.stdout, result.stderr).not.toBe('');
  const document = RunDocument.parse(JSON.parse(result.stdout));
  expect(document.verdict, document.reasons.join('\n')).toBe('pass');
  expect(result.exitCode).toBe(0);
  expect(await leftOvers()).toHaveLength(0);
  return document;
}
const rowsOf = ({ tables }: RunDocument, index = 0) =>
  new Map(tables[index]?.rows.map(([head = '', ...cells]) => [head, cells]));

export function resolverHolds(on: On): void {
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
}

export function dnsOutageHolds(on: On): void {
  describe('dns-outage', () => {
    it('passes: who has a connection does not notice, who begins with a name does', async () => {
      const { arms } = await passing(on, 'dns-outage', '--warmup 3s --hold 8s');
      expect(arms.map(({ arm }) => arm)).toEqual([
        'connected',
        'max-age',
        'late',
        'late-watch',
        'late-address',
      ]);
    });
  });
}

export function localityHolds(on: On): void {
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
}

export function retryHolds(on: On): void {
  describe('retry', () => {
    it('passes: retries help against failures, make an overload worse, and throttling stops them', async () => {
      const document = await passing(on, 'retry', '--phase 8s');
      const figures = rowsOf(document);
      expect([...figures.keys()]).toEqual(['none', 'retry', 'retry-elsewhere', 'hedging', 'throttled']);
      expect(figures.get('retry-elsewhere')?.[2]).toMatch(/^100.0% × 1/);
      expect(document.arms.every(({ calls }) => calls > 2000)).toBe(true);
    });

    it('leaves nothing behind when it is interrupted while servers fail', async () => {
      const interrupted = await lab(
        'experiment',
        ['retry', '--warmup', '1s', '--phase', '5s', '--name', on.name],
        {
          signal: { name: 'SIGINT', when: (stderr) => stderr.includes('failing: watching') },
        },
      );
      expect(interrupted.exitCode).toBe(130);
      expect(await on.leftOvers()).toHaveLength(0);
    });
  });
}
