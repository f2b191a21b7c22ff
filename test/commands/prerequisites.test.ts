// What lab:up says when it cannot begin, as a person sees it.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkout, checkoutWithCluster, readIfThere } from '../support/checkout.ts';
import { ENGINE } from '../support/fake-programs.ts';

describe.concurrent('lab:up', () => {
  it('needs docker', async () => {
    await using here = await checkout();
    await here.fake.uninstall('docker');
    const { stderr, stdout, exitCode } = await here.run('lab-up', ['--name', here.name]);
    expect(stderr).toBe(
      'error: docker is not installed\n' +
        '  Install Docker Engine or Docker Desktop: https://docs.docker.com/engine/install/',
    );
    expect(stdout).toBe('');
    expect(exitCode).toBe(2);
  });

  it('says all that is too small at once, and creates nothing', async () => {
    await using here = await checkout();
    await here.fake.write(
      'info.json',
      JSON.stringify({ ...ENGINE, MemTotal: 2 ** 31, DockerRootDir: '/proc' }),
    );
    const { stderr, exitCode } = await here.run('lab-up', ['--name', here.name]);
    expect(stderr).toMatch(
      /^error: .*GiB of memory[\s\S]*are free under[\s\S]*\n {2}Give Docker more[\s\S]*\n {2}Free some/,
    );
    expect(exitCode).toBe(2);
    expect(await here.fake.read()).not.toContain('kind create');
    expect(await readIfThere(join(here.labDir, 'lab.json'))).toBeUndefined();
  });

  it('reads the kind.yaml that it is told to, and names it when it is wrong', async () => {
    await using here = await checkout();
    const file = join(here.path, 'other.yaml');
    const { stderr, exitCode } = await here.run('lab-up', ['--name', here.name], {
      env: { LAB_KIND_CONFIG: file },
    });
    expect(stderr).toMatch(new RegExp(`^error: ${file}: cannot be read \\(ENOENT.*\\n  See https://kind`));
    expect(exitCode).toBe(2);
    expect(await here.fake.read()).toBe('');
  });

  it('needs a base image, which is local or can be pulled', async () => {
    await using here = await checkoutWithCluster();
    await here.fake.write('images', '');
    await here.fake.instead('docker build', 'echo "no such host" >&2; exit 1');
    const { stderr, exitCode } = await here.run('lab-up', ['--name', here.name], {
      env: { LAB_BASE_IMAGE: 'node:of-mine' },
    });
    expect(stderr).toMatch(
      /error: the base image node:of-mine is not local and cannot be pulled\n {2}no such host\n {2}Check the connection, or name another with LAB_BASE_IMAGE\.$/,
    );
    expect(exitCode).toBe(2);
  });
});
