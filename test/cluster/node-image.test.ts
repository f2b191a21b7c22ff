import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { chooseNodeImage } from '../../scripts/cluster/kind/node-image.ts';
import type { LabError } from '../../scripts/common/errors.ts';
import { type FakePrograms, fakePrograms, NODE_IMAGE } from '../support/fake-programs.ts';
import { tempDir } from '../support/temp-dir.ts';

let dir: Awaited<ReturnType<typeof tempDir>>;
let fake: FakePrograms;
beforeEach(async () => {
  dir = await tempDir();
  fake = await fakePrograms(join(dir.path, 'bin'));
  vi.stubEnv('PATH', `/nowhere:${fake.dir}`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await dir[Symbol.asyncDispose]();
});

const work = { say: () => {}, signal: new AbortController().signal };
const offline = () =>
  fake.instead(
    'docker pull',
    'echo "Error response from daemon: lookup registry-1.docker.io: no such host" >&2; exit 1',
  );
const local = (...images: string[]) => fake.write('images', images.map((image) => `${image}\n`).join(''));
const refusal = (asked?: string) =>
  chooseNodeImage(asked, work).then(
    (chosen) => expect.fail(`chose ${chosen.image}`),
    (error: LabError) => error,
  );

it('takes the default of kind, found in its program wherever on PATH that is', async () => {
  await local(NODE_IMAGE);
  await offline();
  expect(await chooseNodeImage(undefined, work)).toEqual({ image: NODE_IMAGE, why: "kind's default" });
});

it('pulls the default of kind when it is not local', async () => {
  expect(await chooseNodeImage(undefined, work)).toEqual({ image: NODE_IMAGE, why: "kind's default" });
  expect(await fake.read()).toContain(`docker pull --quiet ${NODE_IMAGE}`);
});

it('takes the newest local one, by version and not by letters, when the default cannot be pulled', async () => {
  await offline();
  await local('kindest/node:v1.33.10', 'kindest/node:v1.33.9', 'kindest/node:v1.4.0', 'kindest/node:<none>');
  expect(await chooseNodeImage(undefined, work)).toEqual({
    image: 'kindest/node:v1.33.10',
    why: "the newest local one; kind's default cannot be pulled",
  });
});

it('says what was tried when there is none at all', async () => {
  await offline();
  const { message, hint, exitCode } = await refusal();
  expect(message).toBe(`the node image ${NODE_IMAGE} is not local and cannot be pulled`);
  expect(hint).toMatch(/no such host\nCheck the connection, load it with `docker load`, or name another/);
  expect(exitCode).toBe(2);
});

it('takes the one that is asked for, and no other in its place', async () => {
  await offline();
  await local('kindest/node:v1.33.1', 'mine:1');
  expect(await chooseNodeImage('mine:1', work)).toEqual({ image: 'mine:1', why: 'as asked' });
  expect((await refusal('kindest/node:v1.99.0')).message).toBe(
    'the node image kindest/node:v1.99.0 is not local and cannot be pulled',
  );
});
