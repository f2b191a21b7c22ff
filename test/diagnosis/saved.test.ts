// Facts as they were gathered on labs, of both providers: what was named then is named now.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { judge, readFacts } from '../../scripts/diagnosis/index.ts';

const FOLDER = join(import.meta.dirname, 'saved');
const files = await readdir(FOLDER);

it('are of both providers', () => {
  for (const provider of ['kind', 'embedded'])
    expect(files.filter((file) => file.startsWith(`${provider}-`)).length).toBeGreaterThanOrEqual(4);
});

it.each(files)('%s', async (file) => {
  const { verdict, causes } = judge(await readFacts(join(FOLDER, file)));
  expect(verdict).toBe('cause');
  expect(causes[0]).toMatchObject({
    cause: file.replace(/^(kind|embedded)-|\.json$/g, ''),
    certainty: 'certain',
  });
});
