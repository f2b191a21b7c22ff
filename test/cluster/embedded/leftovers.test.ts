import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, it } from 'vitest';
import { findProcesses, killLeftovers } from '../../../scripts/cluster/embedded/leftovers.ts';
import { ROOT } from '../../../scripts/cluster/lab.ts';
import { eventually } from '../../support/eventually.ts';

const module = (file: string) => JSON.stringify(join(ROOT, 'scripts/cluster/embedded', file));
const clusterOf = (what: string) => `test-${process.pid}-${what}`;

const started: number[] = [];
afterEach(() => {
  for (const pid of started.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
});

/** A zombie is dead, though nobody may have asked. */
function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !'ZX'.includes(stat[stat.lastIndexOf(')') + 2] ?? '');
  } catch {
    return false;
  }
}

const parentOf = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
};

/** Says when it runs; then stays, in some way. */
const program = (stays: string) => `process.stdout.write('up\\n'); ${stays}`;
const WAITS = program('setInterval(() => {}, 1000)');
const IGNORES_SIGTERM = program(`process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)`);
const BLOCKED = `require('node:fs').writeSync(1, 'up\\n'); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)`;
/** Its child has an environment of its own. */
const HIDES_A_CHILD = `
  const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'],
    { env: {}, detached: true, stdio: 'ignore' });
  process.stdout.write('up ' + child.pid + '\\n');`;
/** Each one starts the next and ends, as fast as it can. */
const RUNS_AWAY = `
  const { spawn } = require('node:child_process');
  process.stdout.write('up\\n');
  (function next() { spawn('/bin/sh', ['-c', 'sleep 0.02; sleep 100 & sleep 100 & sleep 0.02'], { stdio: 'ignore' }); setTimeout(next, 5); })()`;

/** Starts a program with the mark of a cluster. @returns its pid, and what it says of others. */
async function start(cluster: string, code: string): Promise<[number, ...number[]]> {
  const child = execa(process.execPath, ['-e', code], {
    reject: false,
    env: { GRPC_KIND_LAB_CLUSTER: cluster },
  });
  const [line] = await once(child.stdout, 'data');
  const others = String(line).trim().split(' ').slice(1).map(Number);
  started.push(child.pid as number, ...others);
  return [child.pid as number, ...others];
}

describe('the processes of a cluster', () => {
  it('are those with its mark, whole, and their descendants', async () => {
    const cluster = clusterOf('found');
    const [[first], [second, hidden], [other], [longer]] = await Promise.all([
      start(cluster, WAITS),
      start(cluster, HIDES_A_CHILD),
      start(clusterOf('other'), WAITS),
      start(`${cluster}-longer`, WAITS),
    ]);
    const found = await findProcesses(cluster);
    expect(found.toSorted()).toEqual([first, second, hidden].toSorted());
    expect(found).not.toContain(other);
    expect(found).not.toContain(longer);
    expect(await findProcesses(clusterOf('none'))).toEqual([]);
  });

  it('are killed, whatever they do about it, and no other', async () => {
    const cluster = clusterOf('killed');
    const all = await Promise.all([
      start(cluster, IGNORES_SIGTERM),
      start(cluster, BLOCKED),
      start(cluster, HIDES_A_CHILD),
    ]);
    const [other] = await start(clusterOf('spared'), WAITS);
    expect(await killLeftovers(cluster)).toBe(4);
    await eventually(() => !all.flat().some(isAlive));
    expect(isAlive(other)).toBe(true);
    expect(await killLeftovers(cluster)).toBe(0);
  });

  it('are killed, those too that they start meanwhile', async () => {
    const cluster = clusterOf('runaway');
    await start(cluster, RUNS_AWAY);
    while ((await findProcesses(cluster)).length < 5);
    expect(await killLeftovers(cluster)).toBeGreaterThan(0);
    expect(await findProcesses(cluster)).toEqual([]);
  });

  it('are not the caller, nor what it runs under', async () => {
    const cluster = clusterOf('caller');
    const code = `
      const { killLeftovers } = await import(${module('leftovers.ts')});
      console.log(await killLeftovers(${JSON.stringify(cluster)}));`;
    const node = [process.execPath, '--input-type=module', '-e', code];
    const inner = `require('node:child_process').spawnSync(...${JSON.stringify([node[0], node.slice(1)])}, { stdio: 'inherit' })`;
    const result = await execa(process.execPath, ['-e', `${inner}; console.log('and on')`], {
      env: { GRPC_KIND_LAB_CLUSTER: cluster },
    });
    expect(result.stdout).toBe('0\nand on');
  });
});

describe('the reaper', () => {
  /** Starts pods, each in its own way, and a reaper; says who they are; obeys on stdin. */
  const supervisor = (cluster: string, pods: string[]) => `
    import { spawn } from 'node:child_process';
    import { once } from 'node:events';
    const { startReaper } = await import(${module('start-reaper.ts')});
    const logged = [];
    const reaper = startReaper({ clusterId: ${JSON.stringify(cluster)}, log: (text) => logged.push(text) });
    const pids = [];
    for (const [index, code] of ${JSON.stringify(pods)}.entries()) {
      const pod = spawn(process.execPath, ['-e', code], {
        env: { GRPC_KIND_LAB_CLUSTER: ${JSON.stringify(cluster)} },
        detached: index % 2 === 1,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      pids.push(pod.pid, ...String((await once(pod.stdout, 'data'))[0]).trim().split(' ').slice(1).map(Number));
      // Neither they nor the reaper keep it from ending.
      pod.unref();
      pod.stdout.destroy();
    }
    const say = () => console.log(JSON.stringify({ pids, reaper: reaper.pid, logged }));
    say();
    for await (const line of process.stdin) {
      if (String(line) === 'stop') {
        reaper.stop();
        break;
      }
      say();
    }
    process.exitCode = 7;
  `;
  type Said = { pids: number[]; reaper: number; logged: string[] };

  type Supervisor = Awaited<ReturnType<typeof startSupervisor>>;

  async function startSupervisor(what: string, pods = [IGNORES_SIGTERM, WAITS, BLOCKED, HIDES_A_CHILD]) {
    const child = execa(process.execPath, ['--input-type=module', '-e', supervisor(clusterOf(what), pods)], {
      reject: false,
    });
    const listen = async () => JSON.parse(String((await once(child.stdout, 'data'))[0])) as Said;
    const said = await listen();
    started.push(...said.pids, said.reaper);
    const ask = async () => {
      child.stdin.write('?');
      return listen();
    };
    return { child, said, ask };
  }

  it('ends every process of a supervisor that was killed, and itself', async () => {
    const { child, said } = await startSupervisor('reaped');
    expect(said.pids).toHaveLength(5);
    expect(said.pids.every(isAlive)).toBe(true);
    child.kill('SIGKILL');
    await eventually(
      () => ![...said.pids, said.reaper].some(isAlive),
      () => [...said.pids, said.reaper].filter(isAlive),
    );
    expect((await child).stderr).toContain('the supervisor has died: 5 processes of its pods were killed');
  });

  it.each([
    ['by a signal', (child: Supervisor['child']) => child.kill('SIGTERM'), 'SIGTERM'],
    [
      'for want of anything to do, from which it does not keep it',
      (child: Supervisor['child']) => child.stdin.end(),
      7,
    ],
  ])('does so too when the supervisor ends %s', async (_, end, how) => {
    const { child, said } = await startSupervisor('ended', [WAITS]);
    end(child);
    const { exitCode, signal } = await child;
    expect(signal ?? exitCode).toBe(how);
    await eventually(() => ![...said.pids, said.reaper].some(isAlive));
  });

  it('ends by itself when it is told to, and leaves the others alone', async () => {
    const { child, said } = await startSupervisor('stopped', [WAITS]);
    child.stdin.write('stop');
    expect((await child).exitCode).toBe(7);
    await eventually(() => !isAlive(said.reaper));
    expect(said.pids.every(isAlive)).toBe(true);
  });

  it('is small, carries no mark, and stays when it is told to end by signals', async () => {
    const { child, said, ask } = await startSupervisor('small', [WAITS]);
    expect(await findProcesses(clusterOf('small'))).toEqual(said.pids);
    const environment = readFileSync(`/proc/${said.reaper}/environ`, 'utf8');
    expect(environment).not.toContain('GRPC_KIND_LAB');
    expect(environment).not.toContain('NODE_OPTIONS');
    // It is up: nobody but itself handles SIGHUP, the first bit.
    await eventually(() => {
      const status = readFileSync(`/proc/${said.reaper}/status`, 'utf8');
      return (Number.parseInt(/^SigCgt:\s+(\w+)$/m.exec(status)?.[1]?.slice(-1) ?? '', 16) & 1) === 1;
    });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(said.reaper, signal);
    const memory = readFileSync(`/proc/${said.reaper}/smaps_rollup`, 'utf8');
    expect(Number(/^Pss: +(\d+) kB$/m.exec(memory)?.[1])).toBeLessThan(40_000);
    expect((await ask()).reaper).toBe(said.reaper);
    child.kill('SIGKILL');
    await eventually(() => !said.pids.some(isAlive));
  });

  it('is started again when it dies', async () => {
    const { child, said, ask } = await startSupervisor('again', [WAITS]);
    process.kill(said.reaper, 'SIGKILL');
    let now = said;
    for (const deadline = performance.now() + 10_000; now.reaper === said.reaper || !isAlive(now.reaper); ) {
      if (performance.now() > deadline) expect.fail(JSON.stringify(now));
      now = await ask();
    }
    started.push(now.reaper);
    expect(now.logged).toEqual(['the reaper has ended (SIGKILL): another one is started']);
    expect(parentOf(now.reaper)).toBe(child.pid);
    child.kill('SIGKILL');
    await eventually(() => ![...said.pids, now.reaper].some(isAlive));
  });
});
