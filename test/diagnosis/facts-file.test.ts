// Facts on disk.
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readFacts, writeFacts } from '../../scripts/diagnosis/facts-file.ts';
import { tempDir } from '../support/temp-dir.ts';
import { noFacts } from './shop.ts';

describe('facts', () => {
  it('are read as they were written, and are for their owner alone', async () => {
    await using dir = await tempDir();
    const file = join(dir.path, 'deep/facts.json');
    const facts = { ...noFacts(), unseen: [{ what: 'Nodes', why: 'forbidden' }] };
    await writeFacts(file, facts);
    expect(await readFacts(file)).toEqual(facts);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['no JSON', 'apiVersion: v1', /is no JSON: /],
    ['something else', '{"kind":"List"}', /has no facts of a diagnosis: version: /],
    ['a list', '[]', /has no facts of a diagnosis: the whole: /],
    ['of another version', { ...noFacts(), version: 2 }, /: version: /],
    ['without a question', { ...noFacts(), question: undefined }, /: question: /],
    [
      'with a client of another kind',
      { ...noFacts(), question: { namespace: 'a', client: { kind: 'Pod', name: 'b', namespace: 'a' } } },
      /: question\.client\.kind: /,
    ],
    [
      'with objects that are none',
      { ...noFacts(), objects: { ...noFacts().objects, pods: [{ name: 'a' }] } },
      /: objects\.pods\.0\.metadata: /,
    ],
    ['without a kind of objects', { ...noFacts(), objects: {} }, /: objects\.namespaces: /],
    ['without logs', { ...noFacts(), logs: undefined }, /: logs: /],
  ])('that are %s are refused', async (_, content, message) => {
    await using dir = await tempDir();
    const file = join(dir.path, 'facts.json');
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    await expect(readFacts(file)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(message),
    });
    expect(await readFile(file, 'utf8')).not.toBe('');
  });

  it('that are not there, or cannot be written, are named', async () => {
    await using dir = await tempDir();
    await expect(readFacts(join(dir.path, 'none'))).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/none cannot be read: ENOENT/),
    });
    await mkdir(join(dir.path, 'folder'));
    await expect(writeFacts(join(dir.path, 'folder'), noFacts())).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/folder cannot be written: /),
    });
  });
});
