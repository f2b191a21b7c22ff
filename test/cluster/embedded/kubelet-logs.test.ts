import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { createLogFile } from '../../../scripts/cluster/embedded/kubelet/log-file.ts';
import { readLog } from '../../../scripts/cluster/embedded/kubelet/read-log.ts';
import { eventually } from '../../support/eventually.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { useKubelet } from './kubelet-harness.ts';

const lab = useKubelet(4);

it('gives both streams, the last lines, no more than so many bytes, and times', async () => {
  await lab.script('talks', 'console.log("one\\ntwo"); console.error("three"); setInterval(() => {}, 1000)');
  await lab.logged('talks', 'three');
  await lab.logged('talks', 'two');
  expect((await lab.logs('talks')).split('\n').sort()).toEqual(['', 'one', 'three', 'two']);
  expect((await lab.logs('talks', { tailLines: 1 })).split('\n')).toHaveLength(2);
  expect(await lab.logs('talks', { tailLines: 0 })).toBe('');
  expect(await lab.logs('talks', { limitBytes: 5 })).toHaveLength(5);
  const stamped = await lab.logs('talks', { timestamps: true });
  expect(stamped.trim().split('\n')).toHaveLength(3);
  for (const line of stamped.trim().split('\n')) {
    expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (one|two|three)$/);
  }
  const past = new Date(Date.now() - 60_000).toISOString();
  const future = new Date(Date.now() + 60_000).toISOString();
  expect(await lab.logs('talks', { sinceTime: past })).toContain('two');
  expect(await lab.logs('talks', { sinceTime: future })).toBe('');
  expect(await lab.logs('talks', { sinceSeconds: 60 })).toContain('two');
});

it('follows a log until its container ends', async () => {
  const script = `console.log('first'); process.on('SIGUSR2', () => console.log('more'));
    process.on('SIGTERM', () => { console.log('last'); process.exit(0) }); setInterval(() => {}, 1000); console.log('pid', process.pid)`;
  await lab.script('follows', script);
  const pid = Number((await lab.logged('follows', /pid \d+\n/)).match(/pid (\d+)/)?.[1]);
  const followed = (await lab.stream('follows', { follow: true, tailLines: 1 })) as Readable;
  let seen = '';
  followed.on('data', (chunk) => {
    seen += chunk;
  });
  await eventually(() => seen.startsWith('pid'));
  process.kill(pid, 'SIGUSR2');
  await eventually(
    () => seen.endsWith('more\n'),
    () => seen,
  );
  lab.remove('follows', 30);
  await eventually(
    () => followed.readableEnded,
    () => seen,
  );
  expect(seen).toBe(`pid ${pid}\nmore\nlast\n`);
});

it('gives the log of the run before', async () => {
  await lab.script('again', 'console.log("run", process.pid); process.exit(1)');
  await lab.until('again', () => lab.status('again')?.state?.waiting?.reason === 'CrashLoopBackOff');
  const previous = await lab.logs('again', { previous: true });
  // While it waits to be started, its last run is both the one before and the newest.
  expect(previous).toMatch(/^run \d+\n$/);
  expect(await lab.logs('again')).toBe(previous);
});

it('says what there is to say when there is no log', async () => {
  const containers = [
    { name: 'a', image: 'lab/none:1' },
    { name: 'b', image: 'lab/program:1' },
  ];
  await lab.pod(
    'two',
    {},
    { containers, initContainers: [{ name: 'i', image: 'lab/none:1', command: ['node', '-v'] }] },
  );
  await lab.pod('one');
  await lab.pod('unset', { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'no', key: 'a' } } }] });
  await lab.ready('one');
  const refusal = (name: string, options = {}) =>
    lab.logs(name, options).then(
      () => 'none',
      ({ code, message }) => `${code} ${message}`,
    );
  expect(await refusal('nobody')).toBe('404 pods "nobody" not found');
  expect(await refusal('two')).toBe(
    '400 a container name must be specified for pod two, choose one of: [a b] or one of the init containers: [i]',
  );
  expect(await refusal('two', { container: 'c' })).toBe('400 container c is not valid for pod two');
  expect(await refusal('two', { container: 'a' })).toBe(
    '400 container "a" in pod "two" is waiting to start: PodInitializing',
  );
  await lab.until('two', () => lab.status('two', 'i')?.state?.waiting?.reason === 'ErrImagePull');
  expect(await refusal('two', { container: 'i' })).toBe(
    '400 container "i" in pod "two" is waiting to start: image can\'t be pulled',
  );
  await lab.until('two', () => lab.status('two', 'i')?.state?.waiting?.reason === 'ImagePullBackOff');
  expect(await refusal('two', { container: 'i' })).toBe(
    '400 container "i" in pod "two" is waiting to start: trying and failing to pull image',
  );
  await lab.until(
    'unset',
    () => lab.status('unset')?.state?.waiting?.reason === 'CreateContainerConfigError',
  );
  expect(await refusal('unset')).toBe(
    '400 container "main" in pod "unset" is waiting to start: CreateContainerConfigError',
  );
  expect(await refusal('one', { previous: true })).toBe(
    '400 previous terminated container "main" in pod "one" not found',
  );
});

it('bounds on disk what a program floods its log with', async () => {
  const script =
    'const line = "x".repeat(9999) + "\\n"; (function more() { while (process.stdout.write(line)); process.stdout.once("drain", more) })()';
  await lab.script('floods', script);
  await lab.running('floods');
  const log = join(lab.dir, 'pods', lab.get('floods').metadata.uid, 'logs/main/0.log');
  await eventually(() => existsSync(`${log}.1`));
  const first = statSync(`${log}.1`).ino;
  await eventually(() => statSync(`${log}.1`, { throwIfNoEntry: false })?.ino !== first);
  for (const file of [log, `${log}.1`]) {
    expect(statSync(file, { throwIfNoEntry: false })?.size ?? 0).toBeLessThanOrEqual(10 * 1024 * 1024);
  }
  // Others are served meanwhile.
  await lab.pod('beside');
  await lab.ready('beside');
});

it('keeps long lines whole for readers, and a last one without an end', async () => {
  await using dir = await tempDir();
  const log = createLogFile(join(dir.path, 'a.log'));
  const long = 'y'.repeat(40_000);
  log.write('stdout', Buffer.from(`${long.slice(0, 20_000)}`));
  log.write('stderr', Buffer.from('between\n'));
  log.write('stdout', Buffer.from(`${long.slice(20_000)}\nümlaut without an end`));
  log.close();
  const raw = readFileSync(log.path, 'utf8').trim().split('\n');
  expect(raw.map((line) => line.split(' ').slice(1, 3).join(' '))).toEqual([
    'stdout P',
    'stderr F',
    'stdout P',
    'stdout F',
    'stdout P',
  ]);
  const read = await text(readLog(log, {}));
  expect(read.replace('between\n', '')).toBe(`${long}\nümlaut without an end`);
});

it('follows over a rotation, and from a reader that goes away learns nothing', async () => {
  await using dir = await tempDir();
  const log = createLogFile(join(dir.path, 'a.log'), 200);
  const all = Array.from({ length: 20 }, (_, index) => `line ${index}\n`);
  const follower = readLog(log, { follow: true });
  let followed = '';
  follower.on('data', (chunk: Buffer) => {
    followed += chunk;
  });
  for (const line of all) {
    log.write('stdout', Buffer.from(line));
    // One at a time, so that the follower is never two rotations behind.
    await eventually(() => followed.endsWith(line));
  }
  const left = readLog(log, { follow: true });
  left.resume();
  left.destroy();
  log.close();
  await once(follower, 'end');
  expect(followed).toBe(all.join(''));
  expect(log.rotations()).toBeGreaterThan(2);
  expect(await text(readLog(log, {}))).toBe(
    all
      .slice(-log.parts().length * 4)
      .join('')
      .slice(-(await text(readLog(log, {}))).length),
  );
});
