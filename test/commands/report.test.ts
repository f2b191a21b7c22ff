// npm run report, in a checkout of its own.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Checkout, checkout } from '../support/checkout.ts';
import { documentOf, SCALED_OUT } from '../support/run-document.ts';

let here: Checkout;
beforeAll(async () => {
  here = await checkout();
});
afterAll(() => here[Symbol.asyncDispose]());

const report = (...args: string[]) => here.run('report', args, { env: { NO_COLOR: '1' } });
const OLD = '2026-01-01T000000-scale';
const NEW = '2026-01-02T000000-retry';

async function writeRun(id: string, verdict: 'pass' | 'fail'): Promise<void> {
  const folder = join(here.path, '.lab/runs', id);
  await mkdir(folder, { recursive: true });
  const run = documentOf(verdict, SCALED_OUT, { id, experiment: id.slice(18) });
  await writeFile(join(folder, 'run.json'), JSON.stringify(run));
  const lines = SCALED_OUT.map((event) => `${JSON.stringify(event)}\n`).join('');
  await writeFile(join(folder, 'history.ndjson.gz'), gzipSync(lines));
}

it('says what to do where there is no run', async () => {
  const { stderr, exitCode } = await report();
  expect(stderr).toBe('error: there is no run yet\n  Make one: npm run experiment scale');
  expect(exitCode).toBe(2);
});

describe('with runs', () => {
  beforeAll(async () => {
    await writeRun(OLD, 'fail');
    await writeRun(NEW, 'pass');
  });

  it('makes the page of the newest, of one by its id, of an experiment’s newest', async () => {
    const pages = await Promise.all([report(), report(OLD), report('scale')]);
    expect(pages.map(({ stdout }) => stdout.split('\n').at(-1))).toEqual(
      [NEW, OLD, OLD].map((id) => join(here.path, '.lab/runs', id, 'report.html')),
    );
    expect(await readFile(pages[0]?.stdout.split('\n').at(-1) ?? '', 'utf8')).toContain(
      'data-figure="requests-treatment"',
    );
  });

  it('lists them, the newest first', async () => {
    const { stdout } = await report('--list');
    expect(stdout.split('\n').map((line) => line.split(/\s+/).slice(0, 3))).toEqual([
      ['✔', 'pass', NEW],
      ['✖', 'fail', OLD],
    ]);
    const { stdout: json } = await report('--list', '--json');
    expect(JSON.parse(json)).toMatchObject([{ id: NEW }, { id: OLD }]);
  });

  it('gives a run in other forms', async () => {
    const [markdown, junit, json] = await Promise.all([
      report(OLD, '--markdown'),
      report(OLD, NEW, '--junit'),
      report(OLD, '--json'),
    ]);
    expect(markdown.stdout).toMatch(/^## ❌ scale: fail/);
    expect(junit.stdout.match(/<testsuite /g)).toHaveLength(2);
    expect(JSON.parse(json.stdout)).toMatchObject({ id: OLD });
  });

  it('names what is not there, and what cannot be read', async () => {
    expect(await report('2026-nothing')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('there is no run "2026-nothing"'),
    });
    const broken = '2026-01-03T000000-scale';
    await mkdir(join(here.path, '.lab/runs', broken), { recursive: true });
    await writeFile(join(here.path, '.lab/runs', broken, 'run.json'), '{"verdict":"pass"}');
    try {
      const one = await report(broken);
      expect(one.stderr).toMatch(/cannot be read: it is of another version of the lab \(reasons, /);
      const list = await report('--list');
      expect(list.stdout.split('\n')).toHaveLength(2);
      expect(list.stderr).toContain(broken);
    } finally {
      await rm(join(here.path, '.lab/runs', broken), { recursive: true });
    }
  });
});
