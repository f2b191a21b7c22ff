// The answer for programs.
import type { Unseen } from '../facts.ts';
import type { Diagnosis } from '../judge.ts';
import type { Certainty, Evidence } from '../rule.ts';

export type Answer = {
  verdict: Diagnosis['verdict'];
  /** The most certain first. */
  causes: {
    name: string;
    certainty: Certainty;
    summary: string;
    evidence: Evidence[];
    against: Evidence[];
    fix: string;
  }[];
  /** What was seen and no cause explains. */
  unexplained: Evidence[];
  /** What could not be checked, and why. */
  unseen: Unseen[];
  /** The file that the answer can be had from again; null where they were not saved. */
  facts: string | null;
};

export const answerOf = (
  { verdict, causes, unexplained }: Diagnosis,
  unseen: readonly Unseen[],
  facts: string | undefined,
): Answer => ({
  verdict,
  causes: causes.map(({ cause, certainty, summary, evidence, against = [], fix }) => ({
    name: cause,
    certainty,
    summary,
    evidence,
    against,
    fix,
  })),
  unexplained,
  unseen: [...unseen],
  facts: facts ?? null,
});
