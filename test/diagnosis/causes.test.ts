// Each cause is found, by what the lab shows of it and by what a cluster does that tells nothing of itself.
import { describe, expect, it } from 'vitest';
import { CAUSES, type Cause } from '../../scripts/diagnosis/causes.ts';
import { judge } from '../../scripts/diagnosis/judge.ts';
import { BREAK, recreated } from '../support/broken.ts';
import { edited, healthy } from '../support/facts.ts';

describe.each([
  ['the lab', true],
  ['a foreign cluster', false],
])('as %s shows it', (_, lab) => {
  it.each(CAUSES)('%s is named first', (cause) => {
    const { world = {}, edits } = BREAK[cause](lab);
    const facts = edited(healthy({ ...world, lab }), ...edits);
    const { verdict, causes } = judge(facts);
    expect(causes.map((each) => each.cause)).toEqual([cause]);
    expect(verdict).toBe('cause');
    const [first] = causes;
    expect(first?.evidence.length).toBeGreaterThan(0);
    for (const { fact, value, says } of first?.evidence ?? []) {
      expect(fact).not.toMatch(/undefined|\[object/);
      expect(value).not.toBe('');
      expect(value).not.toMatch(/undefined|\[object|hunter2/);
      expect(says).not.toMatch(/undefined|\[object/);
    }
    expect(first?.summary).not.toMatch(/undefined|\[object/);
    expect(first?.fix).not.toMatch(/undefined|\[object/);
  });
});

/** Of these the client, or nobody, is changed: with it, all servers replaced are another cause. */
const NOT_BY_ROLLOUT = new Set<Cause>([
  'new-replicas-idle',
  'one-pod-hot',
  'connection-leak',
  'server-not-serving',
]);

describe('a change that replaced every server at once', () => {
  it.each(CAUSES.filter((cause) => !NOT_BY_ROLLOUT.has(cause)))('is told apart from %s', (cause) => {
    const { world = {}, edits } = BREAK[cause](true);
    const { causes } = judge(edited(healthy(world), ...edits, recreated));
    expect(causes[0]?.cause).toBe(cause);
  });
});
