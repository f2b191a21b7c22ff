import type { Cause } from './causes.ts';
import type { Situation } from './situation/index.ts';

/** One thing that was seen, and what it means. */
export type Evidence = {
  /** Where: `Service shop/greeter spec.selector`, `probe 10.0.0.7:50051 tcp`, `log of shop/web-5f… (app)`. */
  fact: string;
  /** What stands there, as text. */
  value: string;
  /** What follows from it, in a clause. */
  says: string;
};

/**
 * How sure: `certain` – the mechanism itself was seen, and what it does; `likely` – the mechanism was seen, its effect
 * was not looked for; `possible` – only its effect was seen, which others have too.
 */
export type Certainty = 'certain' | 'likely' | 'possible';

/** A cause that a rule has found. */
export type Suspicion = {
  cause: Cause;
  certainty: Certainty;
  /** In one line, with the names of this case: `the Service greeter selects app=greeter2, which no pod has`. */
  summary: string;
  evidence: Evidence[];
  /** What speaks against it, where something does. */
  against?: Evidence[];
  /** An edit or a command that mends it. */
  fix: string;
};

/** Looks for one cause. Pure: what it says rests on the situation alone, and is cited in its evidence. */
export type Rule = {
  cause: Cause;
  judge: (situation: Situation) => Suspicion | undefined;
};
