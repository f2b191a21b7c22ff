// Clusters in other styles than the lab's: facts by hand, each file with the answer that it should have.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Facts } from '../../scripts/diagnosis/facts.ts';
import { judge } from '../../scripts/diagnosis/judge.ts';
import { noFacts } from './shop.ts';

type Expected = { about: string; verdict: string; causes: string[]; fix?: string };

function read(file: string): { expected: Expected; facts: Facts } {
  const [expected, facts] = parseAllDocuments(readFileSync(file, 'utf8'), { merge: true }).map((each) => {
    if (each.errors.length > 0) throw each.errors[0];
    return each.toJS() as unknown;
  });
  const given = facts as Partial<Facts>;
  const none = { version: 1 as const, logs: [], clients: [], probes: [], unseen: [] };
  const objects = { ...noFacts().objects, ...given.objects };
  return { expected: expected as Expected, facts: { ...none, ...given, objects } as Facts };
}

const folder = join(import.meta.dirname, 'foreign');
const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));

describe('foreign clusters', () => {
  it('are at least ten', () => {
    expect(files.length).toBeGreaterThanOrEqual(10);
  });

  it.each(files)('%s', (file) => {
    const { expected, facts } = read(join(folder, file));
    const { verdict, causes, unexplained } = judge(facts);
    expect({ verdict, causes: causes.map(({ cause }) => cause), unexplained }).toEqual({
      verdict: expected.verdict,
      causes: expected.causes,
      unexplained: [],
    });
    expect(causes[0]?.fix ?? '').toContain(expected.fix ?? '');
  });
});
