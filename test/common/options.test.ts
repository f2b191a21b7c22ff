import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LabError } from '../../scripts/common/errors.ts';
import { labCommand, refuseMisuse } from '../../scripts/common/options.ts';

const argv = process.argv;
beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('npm_')) vi.stubEnv(name, undefined);
});
afterEach(() => {
  process.argv = argv;
  vi.unstubAllEnvs();
});

/** What a command says that `npm run lab:up` was to run: with these words, and these settings of npm's. */
function misuse(
  words: readonly string[],
  npm: Record<string, string>,
  script = 'lab:up',
): string | undefined {
  vi.stubEnv('npm_lifecycle_event', script);
  for (const [name, value] of Object.entries(npm)) vi.stubEnv(`npm_config_${name}`, value);
  process.argv = ['node', 'lab-up.ts', ...words];
  const command = labCommand('lab:up', '')
    .option('--to <n>', '')
    .option('--all', '')
    .option('--node-image <image>', '')
    .parse();
  try {
    refuseMisuse(command, 'lab:up');
    return undefined;
  } catch (error) {
    const { message, hint, exitCode } = error as LabError;
    expect(exitCode).toBe(2);
    return `${message}. ${hint}`;
  }
}

describe('options that npm took for itself', () => {
  it('are named, with what to type; values that came without them are left out', () => {
    expect(misuse(['6'], { node_image: 'true' })).toBe(
      'npm took --node-image for itself. Put -- before the options: npm run lab:up -- --node-image …',
    );
    expect(misuse(['--all'], { node_image: 'x' })).toContain('npm run lab:up -- --all --node-image …');
  });

  it('are found when npm has completed them to an option of its own', () => {
    expect(misuse([], { token_description: '6' })).toMatch(/^npm took --to for itself/);
  });

  it('are not those that arrived', () => {
    expect(misuse(['--to', '6'], { to: '6' })).toBeUndefined();
  });

  it('are not what else npm is set to', () => {
    expect(misuse([], { allow_scripts: 'x', loglevel: 'silent' })).toBeUndefined();
  });

  it('are those of this command: another one that was started by npm run hands its own on', () => {
    expect(misuse([], { to: '6' }, 'proof')).toBeUndefined();
  });
});
