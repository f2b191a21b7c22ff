// Runs of the experiments beside `scale`, on whichever provider: what they find, and what they leave behind.
import { describe, expect, it } from 'vitest';
import { RunDocument } from '../../scripts/report/index.ts';
import { lab } from './cli.ts';

/** Checks that say `unknown` where the machine was too busy to tell, and with them the run. */
const OF_THE_LAB = ['history-complete', 'accounting', 'rate-held', 'steady-before', 'no-failed-call'];

/** A run that could not tell for want of CPU asserts nothing about gRPC; one that could must pass. */
function couldTell({ verdict, reasons, findings }: RunDocument): boolean {
  expect(verdict, reasons.join('\n')).not.toBe('fail');
  const unknown = findings.filter((finding) => finding.verdict === 'unknown' && !finding.restsOn);
  expect(unknown.filter(({ check }) => !OF_THE_LAB.includes(check))).toEqual([]);
  return verdict === 'pass';
}

/** @param leftOvers what runs have deployed and not removed, `[]` or `''` when nothing. */
export function experimentsHold(name: string, leftOvers: () => Promise<unknown>): void {
  const run = async (experiment: string, args: string) => {
    const result = await lab('experiment', [experiment, ...args.split(' '), '--name', name, '--json']);
    expect(result.stdout, result.stderr).not.toBe('');
    const document = RunDocument.parse(JSON.parse(result.stdout));
    expect(await leftOvers()).toHaveLength(0);
    expect(result.exitCode).toBe(document.verdict === 'pass' ? 0 : 3);
    return { document, told: couldTell(document) };
  };
  const rowsOf = ({ tables }: RunDocument, index = 0) =>
    new Map(tables[index]?.rows.map(([head = '', ...cells]) => [head, cells]));

  describe('resolver', () => {
    it('passes: a watch finds new pods, polling and max age do in their time, plain DNS does not', async () => {
      const { document, told } = await run('resolver', '--poll 1s,3s --max-connection-age 4s --dns-floor 5s');
      if (!told) return;
      const waits = rowsOf(document);
      expect([...waits.keys()]).toEqual(['dns-max-age', 'dns-poll-1s', 'dns-poll-3s', 'watch', 'dns-only']);
      expect(waits.get('dns-only')?.at(-1)).toBe('never');
      expect(waits.get('dns-only')?.at(-2)).toBe('never');
    });
  });

  describe('locality', () => {
    it('passes: each way to keep calls on the own node does as it should when the local pod goes', async () => {
      const { document, told } = await run('locality', '--ready-after 3s --window 10s');
      if (!told) return;
      const shares = [...rowsOf(document)].filter(([head]) => head.startsWith('prefer-same-node'));
      expect(shares).toHaveLength(3);
      expect(shares.filter(([, [before]]) => before === '100%')).toHaveLength(2);
      expect(shares.filter(([, [, , after]]) => after === '100%')).toHaveLength(2);
      expect(rowsOf(document, 1).get('prefer-same-node')).not.toContain('never');
    });
  });

  describe('retry', () => {
    it('passes: retries help against failures, make an overload worse, and throttling stops them', async () => {
      const { document, told } = await run('retry', '--phase 8s');
      if (!told) return;
      const figures = rowsOf(document);
      expect([...figures.keys()]).toEqual(['none', 'retry', 'retry-elsewhere', 'hedging', 'throttled']);
      expect(figures.get('retry-elsewhere')?.[2]).toMatch(/^100.0% × 1/);
      expect(document.arms.every(({ calls }) => calls > 2000)).toBe(true);
    });

    it('leaves nothing behind when it is interrupted while servers fail', async () => {
      const interrupted = await lab(
        'experiment',
        ['retry', '--warmup', '1s', '--phase', '5s', '--name', name],
        {
          signal: { name: 'SIGINT', when: (stderr) => stderr.includes('failing: watching') },
        },
      );
      expect(interrupted.exitCode).toBe(130);
      expect(await leftOvers()).toHaveLength(0);
    });
  });
}
