// What policies should do to the share of calls that succeed and to the number of attempts, in the long run. Pure.

export type Policy = {
  /** Attempts of a call, the first included. */
  attempts: number;
  /** Each attempt goes to a server that none before went to; else to whichever is next. */
  elsewhere: boolean;
};

export type Expected = {
  /** Of calls that succeed. */
  share: number;
  /** Attempts per call: mean, how far that may be off to either side, and standard deviation between calls. */
  attempts: { mean: number; mayBeOff: number; deviation: number };
};

/** Every attempt fails with the same chance, whatever became of those before it. */
export function independentFailures(failureShare: number, { attempts }: Policy): Expected {
  return { share: 1 - failureShare ** attempts, attempts: attemptsUntilSuccess(failureShare, attempts) };
}

/**
 * One of so many servers fails all that it gets, and attempts are dealt to them in turn. Where a retry may go to any, it
 * is taken as dealt at random: what else is in flight decides whose turn it is. Where it goes to another server, one is
 * enough; but it takes that one's turn, so that of first attempts the sick one gets more than its share: with retries
 * between calls one of all but one, in a burst whose retries come after it at least its whole turns.
 */
export function oneSick(servers: number, policy: Policy, burst: number): Expected {
  const sick = 1 / servers;
  if (!policy.elsewhere || policy.attempts === 1) return independentFailures(sick, policy);
  const least = Math.floor(burst / servers) / burst;
  const most = 1 / (servers - 1);
  const mean = (least + most) / 2;
  return {
    share: 1,
    attempts: { mean: 1 + mean, mayBeOff: (most - least) / 2, deviation: Math.sqrt(mean * (1 - mean)) },
  };
}

/**
 * More attempts than servers have capacity for, of which each that is refused costs some of it: the more attempts, the
 * less is left for those that are served. It is found as it comes about: from calls that all succeed, step by step.
 *
 * @param overload calls that are made, over those that can be served.
 * @param refusalCost of a call that is refused, where one that is served costs 1; less than 1.
 */
export function overloaded(overload: number, refusalCost: number, { attempts }: Policy): Expected {
  let failureShare = 0;
  for (let step = 0; step < 1000; step += 1) {
    const load = overload * attemptsUntilSuccess(failureShare, attempts).mean;
    const served = load <= 1 ? load : Math.max(0, (1 - refusalCost * load) / (1 - refusalCost));
    failureShare = 1 - served / load;
  }
  return independentFailures(failureShare, { attempts, elsewhere: false });
}

/** Attempts are made until one succeeds, but no more than `most`. */
function attemptsUntilSuccess(failureShare: number, most: number): Expected['attempts'] {
  const chances = Array.from({ length: most }, (_, before) => failureShare ** before);
  const mean = sum(chances);
  // E[N²] is the sum of (2n - 1) · P(N ≥ n).
  const meanOfSquares = sum(chances.map((chance, before) => (2 * before + 1) * chance));
  return { mean, mayBeOff: 0, deviation: Math.sqrt(Math.max(0, meanOfSquares - mean ** 2)) };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);
