// Logs of containers, as they are asked for from the API.
import { expect } from 'vitest';
import { area, until } from './support.ts';
import { container, endedPod, logOf, podThat, runPod } from './workloads.ts';

const ONCE = { pod: { restartPolicy: 'Never' } };
const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}(Z|[+-]\d\d:\d\d) /;

export const logs = area('logs', (contract) => {
  contract('both streams are there, in the order written, to the last byte', async (space) => {
    const script = `console.log('one'); console.error('two'); process.stdout.write('drei ⛵\\n'); process.stdout.write('no end')`;
    await runPod(space, 'plain', { script, ...ONCE });
    await endedPod(space, 'plain');
    // Two pipes: nobody promises the order between them.
    const log = await logOf(space, 'plain');
    expect(log).toContain('two\n');
    expect(log.replace('two\n', '')).toBe('one\ndrei ⛵\nno end');
  });

  contract('tailLines, limitBytes and timestamps', async (space) => {
    await runPod(space, 'lines', {
      script: 'for (let n = 1; n <= 9; n += 1) console.log("line " + n)',
      ...ONCE,
    });
    await endedPod(space, 'lines');
    expect(await logOf(space, 'lines', { tailLines: 2 })).toBe('line 8\nline 9\n');
    expect(await logOf(space, 'lines', { tailLines: 0 })).toBe('');
    expect(await logOf(space, 'lines', { limitBytes: 10 })).toBe('line 1\nlin');
    const stamped = (await logOf(space, 'lines', { timestamps: true })).trimEnd().split('\n');
    expect(stamped).toHaveLength(9);
    for (const line of stamped) expect(line).toMatch(STAMP);
    expect(stamped[0]?.replace(STAMP, '')).toBe('line 1');
  });

  contract('sinceSeconds and sinceTime leave out what is older', async (space) => {
    const script = `console.log('old'); setTimeout(() => console.log('new'), 5000); setInterval(() => {}, 1000)`;
    await runPod(space, 'since', { script });
    await until('the new line', async () => expect(await logOf(space, 'since')).toBe('old\nnew\n'));
    expect(await logOf(space, 'since', { sinceSeconds: 3 })).toBe('new\n');
    const stamped = (await logOf(space, 'since', { timestamps: true })).split('\n');
    const old = Date.parse(stamped[0]?.split(' ')[0] ?? '');
    const sinceTime = new Date(old + 2000).toISOString();
    expect(await logOf(space, 'since', { sinceTime })).toBe('new\n');
  });

  contract('following ends when the container does, with all of it', async (space) => {
    const script =
      'let n = 0; const t = setInterval(() => { console.log(++n); if (n === 5) clearInterval(t); }, 300)';
    await runPod(space, 'followed', { script, ...ONCE });
    await until('the first line', async () => expect(await logOf(space, 'followed')).toContain('1'));
    expect(await logOf(space, 'followed', { follow: true })).toBe('1\n2\n3\n4\n5\n');
    expect(await logOf(space, 'followed', { follow: true, tailLines: 1 })).toBe('5\n');
  });

  contract('the log of the container before is kept', async (space) => {
    await runPod(space, 'crashed', { script: 'console.log(Date.now()); process.exit(3)' });
    await podThat(space, 'crashed', 'has restarted', (pod) => {
      expect(container(pod)?.restartCount).toBeGreaterThan(0);
      expect(container(pod)?.state?.waiting?.reason).toBe('CrashLoopBackOff');
    });
    const [previous, current] = [
      await logOf(space, 'crashed', { previous: true }),
      await logOf(space, 'crashed'),
    ];
    expect(previous).toMatch(/^\d+\n$/);
    // While it waits, its last run is both.
    expect(Number(current)).toBeGreaterThanOrEqual(Number(previous));
  });

  contract('what cannot be had is refused in words', async (space) => {
    await runPod(space, 'waiting', {
      container: { image: 'grpc-kind-lab/nope:1', imagePullPolicy: 'Never' },
    });
    await runPod(space, 'idle', { script: 'console.log("up"); setInterval(() => {}, 1000)' });
    await until('idle is up', async () => expect(await logOf(space, 'idle')).toBe('up\n'));
    await podThat(space, 'waiting', 'waits', (pod) =>
      expect(container(pod)?.state?.waiting?.reason).toBe('ErrImageNeverPull'),
    );
    const refusal = async (pod: string, query: Record<string, string | boolean> = {}) => {
      const { status, body } = await space.http('GET', `${space.path('pods', pod)}/log`, { query });
      return `${status} ${body?.message}`;
    };
    expect(await refusal('waiting')).toBe(
      '400 container "main" in pod "waiting" is waiting to start: ErrImageNeverPull',
    );
    expect(await refusal('idle', { previous: true })).toBe(
      '400 previous terminated container "main" in pod "idle" not found',
    );
    expect(await refusal('idle', { container: 'nope' })).toBe('400 container nope is not valid for pod idle');
    expect(await refusal('nope')).toBe('404 pods "nope" not found');
  });

  contract('a long log comes whole', async (space) => {
    const script = 'for (let n = 0; n < 20000; n += 1) console.log(n + " " + "x".repeat(60))';
    await runPod(space, 'long', { script, ...ONCE });
    await endedPod(space, 'long');
    const lines = (await logOf(space, 'long')).trimEnd().split('\n');
    expect(lines).toHaveLength(20_000);
    expect(lines.map((line) => Number(line.split(' ')[0]))).toEqual(lines.map((_, index) => index));
  });
});
