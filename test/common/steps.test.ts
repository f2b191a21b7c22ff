import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LabError } from '../../scripts/common/errors.ts';
import { runSteps, type Step } from '../../scripts/common/steps.ts';

let printed = '';
beforeEach(() => {
  printed = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const never = new AbortController().signal;
const step = (name: string, after: string[], run: Step['run']): Step => ({ name, title: name, after, run });
const nothing = async () => undefined;

describe('steps', () => {
  it('start when those before them are done, and overlap otherwise', async () => {
    const log: string[] = [];
    const logged = (name: string) => async () => {
      log.push(`${name} starts`);
      await delay(name === 'slow' ? 200 : 5);
      log.push(`${name} ends`);
      return undefined;
    };
    const times = await runSteps(
      [
        step('slow', [], logged('slow')),
        step('quick', [], logged('quick')),
        step('after-quick', ['quick'], logged('after-quick')),
        step('last', ['slow', 'after-quick'], logged('last')),
      ],
      never,
    );
    expect(log).toEqual([
      'slow starts',
      'quick starts',
      'quick ends',
      'after-quick starts',
      'after-quick ends',
      'slow ends',
      'last starts',
      'last ends',
    ]);
    expect(times.map(({ name }) => name)).toEqual(['quick', 'after-quick', 'slow', 'last']);
    const [quick, afterQuick] = times;
    expect(afterQuick?.startedMs).toBeGreaterThanOrEqual(quick?.endedMs ?? Number.NaN);
  });

  it('print a plain line each when they are done, with what they did', async () => {
    await runSteps([step('one', [], async () => 'three pods'), step('two', ['one'], nothing)], never);
    expect(printed).toMatch(/^ +\d+ms {2}one: three pods\n +\d+ms {2}two\n$/);
  });

  it('that fail abort the others, which are awaited; those that come later never start', async () => {
    const log: string[] = [];
    const steps = [
      step('fails', [], async () => {
        await delay(5);
        throw new LabError('failed', 'the first');
      }),
      step('goes on', [], async ({ signal }) => {
        await delay(60_000, undefined, { signal }).catch(() => {});
        await delay(50);
        log.push('cleaned up');
        throw new Error('the second');
      }),
      step('later', ['goes on'], async () => {
        log.push('later');
        return undefined;
      }),
    ];
    await expect(runSteps(steps, never)).rejects.toThrow('the first');
    expect(log).toEqual(['cleaned up']);
  });

  it('end with the reason when they are aborted from outside, whatever they throw', async () => {
    const stop = new AbortController();
    const steps = [
      step('works', [], async ({ signal }) => {
        queueMicrotask(() => stop.abort(new LabError('interrupted', 'Ctrl-C')));
        await delay(60_000, undefined, { signal }).catch(() => {});
        throw new Error('something else');
      }),
    ];
    await expect(runSteps(steps, stop.signal)).rejects.toMatchObject({ code: 'interrupted' });
  });

  it('are not done when they returned after an abort', async () => {
    const stop = new AbortController();
    const steps = [
      step('does not look', [], async () => {
        stop.abort(new LabError('interrupted', 'Ctrl-C'));
        return 'done';
      }),
    ];
    await expect(runSteps(steps, stop.signal)).rejects.toMatchObject({ code: 'interrupted' });
    expect(printed).toBe('');
  });
});
