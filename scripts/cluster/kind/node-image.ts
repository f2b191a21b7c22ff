// Which node image a new cluster gets.
import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { LabError } from '../../common/errors.ts';
import { lastLines, run, tryRun } from '../../common/run.ts';
import type { Work } from '../provider.ts';
import { imageIsLocal } from './docker.ts';

/** Why this image: shown beside it. */
export type NodeImage = { image: string; why: string };

/**
 * The image asked for; else kind's own default if it is local or can be pulled; else the newest local `kindest/node`.
 *
 * @param asked by `--node-image` or LAB_NODE_IMAGE.
 * @throws LabError `prerequisite` when there is none that can be had.
 */
export async function chooseNodeImage(asked: string | undefined, work: Work): Promise<NodeImage> {
  if (asked) {
    const pulled = await pull(asked, work);
    if (pulled.ok) return { image: asked, why: 'as asked' };
    throw cannotPull(asked, pulled.reason);
  }
  const [byDefault, newest] = await Promise.all([defaultImage(), newestLocalImage()]);
  if (byDefault) {
    const pulled = await pull(byDefault, work);
    if (pulled.ok) return { image: byDefault, why: "kind's default" };
    if (newest) return { image: newest, why: "the newest local one; kind's default cannot be pulled" };
    throw cannotPull(byDefault, pulled.reason);
  }
  if (newest) return { image: newest, why: 'the newest local one' };
  throw new LabError('prerequisite', 'no node image is known', {
    hint: 'Name one with --node-image kindest/node:v1.34.0',
  });
}

const cannotPull = (image: string, reason: string) =>
  new LabError('prerequisite', `the node image ${image} is not local and cannot be pulled`, {
    hint: `${reason}\nCheck the connection, load it with \`docker load\`, or name another with --node-image.`,
  });

async function pull(image: string, work: Work): Promise<{ ok: true } | { ok: false; reason: string }> {
  if (await imageIsLocal(image)) return { ok: true };
  work.say(`pulling ${image}`);
  const pulled = await tryRun(['docker', 'pull', '--quiet', image], { signal: work.signal });
  return pulled.ok ? { ok: true } : { ok: false, reason: lastLines(pulled.stderr, 3) };
}

/** kind has no command that tells its default image; its program holds it as one string with its digest. */
async function defaultImage(): Promise<string | undefined> {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = await Promise.all(
    folders.map((folder) => readFile(join(folder, 'kind'), 'latin1').catch(() => undefined)),
  );
  const program = found.find((text) => text !== undefined) ?? '';
  return /kindest\/node:v\d+\.\d+\.\d+@sha256:[0-9a-f]{64}/.exec(program)?.[0];
}

async function newestLocalImage(): Promise<string | undefined> {
  const tags = await run(['docker', 'images', 'kindest/node', '--format', '{{.Repository}}:{{.Tag}}']);
  const images = tags.split('\n').filter((image) => /:v\d/.test(image));
  const byVersion = new Intl.Collator('en', { numeric: true });
  return images.sort(byVersion.compare).at(-1);
}
