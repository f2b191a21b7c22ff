// Incidents and their diagnosis, as a person goes through them, and each kind of cause once.
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRight, type Trial, trial } from '../../scripts/bench/diagnose/trial.ts';
import type { Cause } from '../../scripts/diagnosis/index.ts';
import { onLab } from '../../scripts/experiments/index.ts';
import { type Chosen, findIncidents, randomWorld, variantOf } from '../../scripts/incidents/index.ts';
import { lab } from '../support/cli.ts';
import { connectTo, LAB } from './support.ts';

const NAMESPACE = 'grpc-kind-lab-incident';
const here = ['--name', LAB, '--provider', 'embedded'];
const incident = (...args: string[]) => lab('incident', [...args, ...here]);
const diagnose = (...args: string[]) => lab('diagnose', ['--name', LAB, ...args]);

beforeAll(async () => {
  expect((await lab('lab-up', here)).exitCode).toBe(0);
});
afterAll(async () => {
  await lab('lab-down', ['--name', LAB]);
});

describe('an incident', () => {
  it('is injected, shown, named, healed, and gone', async () => {
    const injected = await incident('selector-mismatch', '--json');
    expect(injected.exitCode, injected.stderr).toBe(0);
    expect(JSON.parse(injected.stdout)).toMatchObject({
      incident: 'selector-mismatch',
      asExpected: true,
      connected: { reading: { failures: [] } },
      fresh: { reading: { codes: { UNAVAILABLE: expect.any(Number) } } },
    });

    const named = await diagnose('--json');
    expect(named.exitCode).toBe(1);
    const { verdict, causes, facts } = JSON.parse(named.stdout);
    expect(verdict).toBe('cause');
    expect(causes[0]).toMatchObject({ name: 'selector-mismatch', certainty: 'certain' });
    const offline = await lab('diagnose', ['--facts', facts, '--json']);
    expect(JSON.parse(offline.stdout).causes).toEqual(causes);
    const token = await readToken();
    expect(await readFile(facts, 'utf8')).not.toContain(token);

    expect(await lab('experiment', ['scale', ...here])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('an incident is injected into this lab'),
    });
    const again = await incident('selector-mismatch');
    expect(again).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('is injected already') });
    const healed = await incident('--heal');
    expect(healed.stderr).toContain('A fresh channel is healthy');
    expect(healed.exitCode).toBe(0);
    const healthy = await diagnose('--json');
    expect(JSON.parse(healthy.stdout)).toMatchObject({ verdict: 'healthy', causes: [] });
    expect(healthy.exitCode).toBe(0);
    expect(await incident('--heal')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('nothing is injected'),
    });
  });

  it('is undone by Ctrl-C in the middle', async () => {
    const cut = await lab('incident', ['slow-server', ...here], {
      signal: { name: 'SIGINT', when: async () => (await latencyOfServers()) === '5000' },
    });
    expect(cut.exitCode).toBe(130);
    expect(cut.stderr).toContain('Healing what was injected');
    expect(await latencyOfServers()).toBeUndefined();
  });

  it('that was left by a crash is found and healed by the next command', async () => {
    await lab('incident', ['scaled-to-zero', ...here], {
      signal: { name: 'SIGKILL', when: async () => (await serverOf())?.spec?.replicas === 0 },
    });
    const healed = await incident('--heal', '--json');
    expect(JSON.parse(healed.stdout)).toMatchObject({ healed: ['scaled-to-zero'] });
    expect((await serverOf())?.status?.readyReplicas).toBe(3);
  });

  it('that is blind is not named before it is asked for', async () => {
    const blind = await incident('--blind');
    const names = (await findIncidents()).map(({ name }) => name);
    for (const name of names) expect(blind.stdout + blind.stderr).not.toContain(name);
    const revealed = await incident('reveal', '--json');
    const [{ incident: name }] = JSON.parse(revealed.stdout);
    expect(names).toContain(name);
    expect((await incident(name, '--heal')).exitCode).toBe(0);
  });

  it('that this provider cannot hold is refused by what it lacks', async () => {
    expect(await incident('network-policy')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/network-policy \(ingress\) needs network-policy\n.*--provider kind/),
    });
  });
});

describe('blind, in worlds drawn at random', () => {
  /** Each has a mechanism of its own; the others are in `npm run bench:diagnose`. */
  const KINDS: Cause[] = [
    'all-pods-restarted',
    'bound-to-localhost',
    'client-starved',
    'connection-leak',
    'cross-namespace',
    'http1-only-server',
    'idle-cut',
    'new-replicas-idle',
    'server-not-serving',
    'stuck-liveness',
    'tls-mismatch',
    'wrong-target-port',
  ];

  it('healthy is healthy, and the cause is named first', { timeout: 400_000 }, async () => {
    const incidents = await findIncidents();
    await using on = await onLab({ name: LAB, provider: 'embedded' }, 'test', new AbortController().signal);
    const trials: Trial[] = [];
    const queue = [...KINDS];
    const worker = async (): Promise<void> => {
      for (let cause = queue.shift(); cause !== undefined; cause = queue.shift()) {
        const found = incidents.find(({ name }) => name === cause);
        const chosen = found && { incident: found, ...variantOf(found) };
        const drawn = randomWorld(Math.random, `t${queue.length}`);
        const world = found?.world?.(drawn) ?? drawn;
        trials.push(await trial(on, world, [chosen as Chosen], () => {}, AbortSignal.timeout(300_000)));
      }
    };
    await Promise.all([worker(), worker(), worker()]);
    const wrong = trials.filter(
      (each) => !isRight(each) || each.before !== 'healthy' || !each.asExpected || each.error !== undefined,
    );
    expect(wrong).toEqual([]);
    expect(trials).toHaveLength(KINDS.length);
  });
});

async function serverOf() {
  const { items } = await connectTo(LAB).apps.listNamespacedDeployment({ namespace: NAMESPACE });
  return items.find(({ metadata }) => metadata?.name === 'greeter-server');
}

const latencyOfServers = async () =>
  (await serverOf())?.spec?.template.spec?.containers[0]?.env?.find(
    ({ name }) => name === 'INITIAL_LATENCY_MS',
  )?.value;

async function readToken(): Promise<string> {
  const { data } = await connectTo(LAB).core.readNamespacedSecret({
    namespace: 'grpc-kind-lab',
    name: 'lab-token',
  });
  return Buffer.from(data?.token ?? '', 'base64').toString();
}
