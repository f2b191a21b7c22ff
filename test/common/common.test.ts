import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDurationMs } from '../../scripts/common/duration.ts';
import { LabError, messageOf } from '../../scripts/common/errors.ts';
import { lastLines, run, shellQuote, tryRun } from '../../scripts/common/run.ts';
import { wrap } from '../../scripts/common/terminal.ts';
import { type Poll, waitFor } from '../../scripts/common/wait.ts';

describe('durations', () => {
  it.each([
    ['500ms', 500],
    ['10s', 10_000],
    [' 1.5m ', 90_000],
    ['2h', 7_200_000],
    ['0s', 0],
  ])('%s is read', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  it.each(['10', '', 's', '-1s', '1d', '1e3s', '1m30s', '10 s', '.5s'])('%j is refused', (text) => {
    expect(() => parseDurationMs(text)).toThrow(`"${text}" is not a duration`);
  });

  it.each([
    [0, '0ms'],
    [999.4, '999ms'],
    [999.9, '1.0s'],
    [12_345, '12.3s'],
    [59_949, '59.9s'],
    [59_970, '1m00s'],
    [125_000, '2m05s'],
    [3_599_900, '60m00s'],
  ])('%d ms are written as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('errors', () => {
  it.each([
    ['usage', 2],
    ['prerequisite', 2],
    ['failed', 1],
    ['lost', 3],
    ['interrupted', 130],
  ] as const)('%s ends with %d', (code, exitCode) => {
    expect(new LabError(code, 'it')).toMatchObject({ exitCode, message: 'it', hint: undefined });
  });

  it('have a message, whatever was thrown', () => {
    expect([messageOf(new Error('a')), messageOf('b'), messageOf(undefined)]).toEqual([
      'a',
      'b',
      'undefined',
    ]);
  });
});

describe('programs', () => {
  it('fail with the command as one would paste it, and what it printed last', async () => {
    const failing = run(['sh', '-c', 'seq 20; echo no >&2; exit 3']);
    await expect(failing).rejects.toMatchObject({
      code: 'failed',
      message: "this command failed:\n  sh -c 'seq 20; echo no >&2; exit 3'",
      hint: 'no',
    });
    await expect(run(['sh', '-c', 'seq 20; exit 1'])).rejects.toMatchObject({
      hint: lastLines(Array.from({ length: 20 }, (_, i) => `${i + 1}`).join('\n'), 12),
    });
  });

  it('fail with what to do when a disk is full', async () => {
    await expect(run(['sh', '-c', 'echo "No space left on device" >&2; exit 1'])).rejects.toMatchObject({
      hint: expect.stringMatching(/^No space left on device\nThe disk is full: free some/),
    });
  });

  it('that are not there are a failure with a name, too', async () => {
    const result = await tryRun(['no-such-program']);
    expect(result).toMatchObject({ ok: false });
    expect(result.stderr).toContain('spawn no-such-program ENOENT');
  });

  it('are ended with all that they have started, when the signal aborts', async () => {
    const stop = new AbortController();
    const began = performance.now();
    // The child holds the output open: to wait for its end is to wait for both.
    const running = tryRun(['sh', '-c', 'sleep 60 & wait'], { signal: stop.signal });
    await delay(100);
    stop.abort(new LabError('interrupted', 'stop'));
    await expect(running).rejects.toThrow('stop');
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it('are ended after a time-out', async () => {
    const result = await tryRun(['sh', '-c', 'sleep 60'], { timeoutMs: 50 });
    expect(result.ok).toBe(false);
    expect(result.stderr).toContain('timed out');
  });

  it('read what they are given', async () => {
    expect(await run(['cat'], { input: 'hello' })).toBe('hello');
  });
});

it.each([
  [
    ['kind', 'create', '--config', '-', '--image', 'kindest/node:v1@sha256:a'],
    'kind create --config - --image kindest/node:v1@sha256:a',
  ],
  [['echo', 'a b', '$HOME', ''], "echo 'a b' '$HOME' ''"],
  [['echo', "it's"], "echo 'it'\\''s'"],
  [['echo', '*', 'a;b', '~'], "echo '*' 'a;b' '~'"],
])('%j is quoted for a shell', (command, text) => {
  expect(shellQuote(command)).toBe(text);
});

describe('wrapped text', () => {
  it('has no line of more than 80 columns, with indents', () => {
    const lines = wrap('word '.repeat(60).trim(), '    ', '- ').split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines[0]?.startsWith('- word')).toBe(true);
    expect(lines.slice(1).every((line) => line.startsWith('    word'))).toBe(true);
    expect(lines.join(' ').match(/word/g)).toHaveLength(60);
  });

  it('does not break a word that is longer than a line', () => {
    const long = `https://${'x'.repeat(100)}`;
    expect(wrap(`see ${long} now`, '  ').split('\n')).toContain(`  ${long}`);
  });
});

describe('waiting', () => {
  it('asks again until it is done, and tells what it sees', async () => {
    const answers: Poll<number>[] = [{ waiting: 'one' }, { waiting: 'two' }, { done: 3 }];
    const seen: string[] = [];
    const done = await waitFor('three', async () => answers.shift() ?? { done: 0 }, {
      timeoutMs: 10_000,
      intervalMs: 1,
      onWaiting: (text) => seen.push(text),
    });
    expect([done, seen]).toEqual([3, ['one', 'two']]);
  });

  it('ends with the last thing seen', async () => {
    let asked = 0;
    const never = waitFor('all pods Ready', async () => ({ waiting: `asked ${++asked} times` }), {
      timeoutMs: 50,
      intervalMs: 10,
    });
    await expect(never).rejects.toMatchObject({ code: 'failed', message: 'all pods Ready: not within 50ms' });
    const { hint } = (await never.catch((error: unknown) => error)) as LabError;
    expect(hint).toBe(`Last seen: asked ${asked} times`);
  });

  it('ends with what the question throws', async () => {
    const broken = waitFor('it', () => Promise.reject(new Error('hopeless')), { timeoutMs: 10_000 });
    await expect(broken).rejects.toThrow('hopeless');
  });

  it('ends with the reason of an abort', async () => {
    const stop = new AbortController();
    const options = { timeoutMs: 60_000, intervalMs: 30_000, signal: stop.signal };
    const waiting = waitFor('it', async () => ({ waiting: 'still' }), options);
    stop.abort(new LabError('interrupted', 'stop'));
    await expect(waiting).rejects.toMatchObject({ code: 'interrupted' });
  });
});
