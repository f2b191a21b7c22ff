// Nodes of kind that fail and are mended, on fake programs.
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { failNode, mendNodes } from '../../scripts/cluster/kind/fail-node.ts';
import { type Lab, readState, writeState } from '../../scripts/cluster/lab.ts';
import { type FakePrograms, fakePrograms } from '../support/fake-programs.ts';
import { tempDir } from '../support/temp-dir.ts';

const STATE = {
  phase: 'created' as const,
  provider: 'kind' as const,
  nodeImage: 'image',
  configHash: 'hash',
  createdAt: 'then',
};

let dir: Awaited<ReturnType<typeof tempDir>>;
let fake: FakePrograms;
let lab: Lab;
beforeEach(async () => {
  dir = await tempDir();
  fake = await fakePrograms(join(dir.path, 'bin'));
  lab = { name: 'x', dir: join(dir.path, 'x'), kubeconfig: join(dir.path, 'x/kubeconfig') };
  vi.stubEnv('PATH', fake.dir);
  await fake.addCluster('x');
  await writeState(lab, STATE);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await dir[Symbol.asyncDispose]();
});

const mend = () => mendNodes(lab, { say: () => {}, signal: new AbortController().signal });
const commands = async () =>
  (await fake.read()).split('\n').filter((line) => /^docker (exec|start|kill)/.test(line));

it('cuts a node off in IPv4 and IPv6, and connects it again', async () => {
  await failNode(lab, 'x-worker2', 'partition');
  const [cut = ''] = await commands();
  expect(cut).toMatch(/^docker exec x-worker2 sh -c /);
  const inserted = [
    ...cut.matchAll(/(ip6?tables) --wait --table mangle --insert (\S+) (-[io]) eth0 -j DROP/g),
  ];
  const rules = [
    ['iptables', 'PREROUTING', '-i'],
    ['iptables', 'POSTROUTING', '-o'],
    ['ip6tables', 'PREROUTING', '-i'],
    ['ip6tables', 'POSTROUTING', '-o'],
  ];
  expect(inserted.map(([, ...rule]) => rule)).toEqual(rules);

  expect(await mend()).toBe('connected x-worker2');
  const [, healed = ''] = await commands();
  const deleted = [
    ...healed.matchAll(/(ip6?tables) --wait --table mangle --delete (\S+) (-[io]) eth0 -j DROP/g),
  ];
  expect(deleted.map(([, ...rule]) => rule)).toEqual(rules);
  expect(await readState(lab)).toEqual({ ...STATE, partitioned: [] });
  expect(await mend()).toBeUndefined();
});

it('remembers a node before it is cut off: a run may be killed in between', async () => {
  await fake.instead('docker exec', 'exit 1');
  await expect(failNode(lab, 'x-worker1', 'partition')).rejects.toThrow('this command failed');
  expect((await readState(lab))?.partitioned).toEqual(['x-worker1']);
});

it('forgets it only when it is connected', async () => {
  await failNode(lab, 'x-worker1', 'partition');
  await failNode(lab, 'x-worker3', 'partition');
  await fake.instead('docker exec', '[ "$2" = x-worker1 ] || exit 1');
  await expect(mend()).rejects.toThrow('this command failed');
  expect((await readState(lab))?.partitioned).toEqual(['x-worker1', 'x-worker3']);
  await fake.again('docker exec');
  expect(await mend()).toBe('connected x-worker1, x-worker3');
});

it('stops a node without notice, and starts all that are stopped', async () => {
  await fake.instead('docker kill', 'exit 0');
  await failNode(lab, 'x-worker2', 'stop');
  expect(await commands()).toEqual(['docker kill x-worker2']);
  await fake.removeCluster('x');
  await fake.addCluster('x', { state: 'exited' });
  expect(await mend()).toBe('started x-control-plane, x-worker1, x-worker2, x-worker3');
  expect((await commands()).at(-1)).toBe('docker start x-control-plane x-worker1 x-worker2 x-worker3');
});

it('leaves nodes alone that are not there any more', async () => {
  await failNode(lab, 'x-worker2', 'partition');
  await fake.removeCluster('x');
  expect(await mend()).toBeUndefined();
});

it('is refused where the lab is not known, before anything is done', async () => {
  await rm(join(lab.dir, 'lab.json'));
  await expect(failNode(lab, 'x-worker2', 'partition')).rejects.toThrow(
    'this checkout does not know the lab "x"',
  );
  expect(await commands()).toEqual([]);
});

describe('the rules in the node', () => {
  /** iptables and ip6tables as shell scripts, in which a rule is there as often as it was inserted. */
  const inNode = async (shell: string) => {
    for (const program of ['iptables', 'ip6tables']) {
      const file = join(dir.path, program);
      await writeFile(file, `#!/bin/sh\nrules="${file}-rules"\necho "$*" >> "${file}-asked"\n${shell}\n`);
      await chmod(file, 0o755);
    }
    await fake.instead('docker exec', `shift 2; PATH="${dir.path}:$PATH" exec "$@"`);
  };
  const RULES_IN_A_FILE = `
    chain=$5
    case "$4" in
      --insert) echo "$chain" >> "$rules" ;;
      --check) grep -q "^$chain$" "$rules" ;;
      --delete) sed -i "0,/^$chain$/{/^$chain$/d}" "$rules" ;;
    esac`;

  it('are gone, all of them, also where one was inserted twice', async () => {
    await inNode(RULES_IN_A_FILE);
    await failNode(lab, 'x-worker2', 'partition');
    await failNode(lab, 'x-worker2', 'partition');
    const rules = () => readFile(join(dir.path, 'iptables-rules'), 'utf8');
    expect(await rules()).toBe('PREROUTING\nPOSTROUTING\nPREROUTING\nPOSTROUTING\n');
    expect(await mend()).toBe('connected x-worker2');
    expect(await rules()).toBe('');
  });

  it('are not forgotten while they cannot be deleted', async () => {
    await inNode('exit 0');
    await failNode(lab, 'x-worker2', 'partition');
    await inNode('[ "$4" = --check ] || exit 4');
    await expect(mend()).rejects.toThrow('this command failed');
    await inNode('exit 4');
    await expect(mend()).rejects.toThrow('this command failed');
    expect((await readState(lab))?.partitioned).toEqual(['x-worker2']);
  });
});
