import { describe, expect, it } from 'vitest';
import { CAUSES } from '../../scripts/diagnosis/causes.ts';
import { accountsFor, explains, stageOf } from '../../scripts/diagnosis/effects.ts';
import { RULES } from '../../scripts/diagnosis/rules/index.ts';

describe('effects of causes', () => {
  it('have a place on the way of a call, each its own', () => {
    expect(new Set(CAUSES.map(stageOf))).toEqual(new Set(CAUSES.map((_, at) => at)));
  });

  it('never explain each other: neither would be named', () => {
    for (const one of CAUSES)
      for (const other of CAUSES)
        expect(explains(one, other) && explains(other, one), `${one} and ${other}`).toBe(false);
  });

  it('end calls with codes of their own', () => {
    expect(accountsFor('proto-mismatch', 'UNIMPLEMENTED')).toBe(true);
    expect(accountsFor('network-policy', 'UNIMPLEMENTED')).toBe(false);
    expect(accountsFor('one-pod-hot', 'UNAVAILABLE')).toBe(false);
  });

  it('have a rule each, in the order of the causes', () => {
    expect(RULES.map(({ cause }) => cause)).toEqual(CAUSES);
  });
});
