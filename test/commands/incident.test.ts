// What a person sees who asks for incidents in ways that cannot be; no cluster is looked for.
import { describe, expect, it } from 'vitest';
import { CAUSES } from '../../scripts/diagnosis/index.ts';
import { lab } from '../support/cli.ts';

describe('npm run incident', () => {
  it('lists the incidents by what is seen, in 80 columns', async () => {
    const { stdout, exitCode } = await lab('incident');
    expect(exitCode).toBe(0);
    for (const cause of CAUSES) expect(stdout).toContain(cause);
    expect(stdout).toContain('Scaled out, and the new pods have nothing to do');
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('lists them for programs, with their variants', async () => {
    const { stdout } = await lab('incident', ['--json']);
    const listed = JSON.parse(stdout);
    expect(listed.map(({ name }: { name: string }) => name)).toEqual([...CAUSES]);
    expect(listed[8]).toMatchObject({
      name: 'bad-image',
      variants: [{ name: 'missing-tag', needs: [] }, {}, {}],
    });
  });

  it('shows the exact change, without a lab', async () => {
    const { stdout, exitCode } = await lab('incident', ['bad-image', '--show', '--variant', 'pull-always']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('# It also comes as missing-tag, invalid-name (--variant).');
    expect(stdout).toContain('-          imagePullPolicy: IfNotPresent\n+          imagePullPolicy: Always');
  });

  it.each([
    [
      ['bad-image', '--show', '--variant', 'x'],
      'error: bad-image does not come as "x"\n  missing-tag: the tag',
    ],
    [['bad-imag'], 'error: there is no incident "bad-imag"; did you mean bad-image?'],
    [['nonsense'], 'error: there is no incident "nonsense"\nnpm run incident lists them all'],
    [['--heal', '--blind'], 'error: --heal and --blind do not go together'],
    [['bad-image', '--blind'], 'error: --blind takes no name'],
    [['--show'], 'error: --show needs the name of an incident'],
    [['--variant', 'x'], 'error: --variant needs the name of an incident'],
  ])('refuses %j', async (args, message) => {
    const { stderr, exitCode } = await lab('incident', args);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  });
});
