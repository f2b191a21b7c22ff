// What only a real cluster can hold, and what its image pulls say, from injection to health.
import { afterAll, describe, expect, it, vi } from 'vitest';
import { lab } from '../support/cli.ts';
import { kubectl, LAB } from './support.ts';

const here = ['--name', LAB, '--provider', 'kind'];

afterAll(async () => {
  await lab('incident', ['--remove', ...here]);
  // The last that needs it.
  await lab('lab-down', ['--name', LAB]);
});

describe.each([['network-policy'], ['dns-down'], ['bad-image']])('%s', (name) => {
  it('is seen by a fresh channel, named first, and healed', async () => {
    const injected = await lab('incident', [name, ...here, '--json']);
    expect(injected.exitCode, injected.stderr + injected.stdout).toBe(0);
    expect(JSON.parse(injected.stdout)).toMatchObject({ incident: name, asExpected: true });

    const named = await lab('diagnose', ['--name', LAB, '--json']);
    expect(JSON.parse(named.stdout).causes[0]?.name, named.stdout).toBe(name);
    expect(named.exitCode).toBe(1);

    const healed = await lab('incident', ['--heal', ...here, '--json']);
    expect(healed.exitCode, healed.stderr).toBe(0);
    expect(JSON.parse(healed.stdout)).toMatchObject({ healed: [name], freshMs: expect.any(Number) });
    // What the client saw in its last twenty calls, or in the last half minute, is told of until then.
    await vi.waitFor(
      async () => {
        const after = await lab('diagnose', ['--name', LAB, '--json']);
        expect(JSON.parse(after.stdout), after.stdout).toMatchObject({ verdict: 'healthy', causes: [] });
      },
      { timeout: 200_000, interval: 5000 },
    );
  });
});

it('leaves nothing behind when it is removed', async () => {
  expect((await lab('incident', ['--remove', ...here])).exitCode).toBe(0);
  const left = await kubectl(['get', 'namespaces', '-l', 'grpc-kind-lab.dev/world', '-o', 'name']);
  expect(left).toBe('');
  expect(await kubectl(['get', 'configmap', '-o', 'name'])).not.toContain('incident');
});
