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
  /** How far the share may be off to either side, beyond chance. */
  shareMayBeOff?: number;
  /** Attempts per call: mean, how far that may be off to either side, and standard deviation between calls. */
  attempts: { mean: number; mayBeOff: number; deviation: number };
};

/** Every attempt fails with the same chance, whatever became of those before it. */
export function independentFailures(failureShare: number, { attempts }: Policy): Expected {
  return { share: 1 - failureShare ** attempts, attempts: attemptsUntilSuccess(failureShare, attempts) };
}

/**
 * All servers but one fail what they get, and attempts are dealt to them in turn. One that may go to any is taken as
 * dealt at random: what else is in flight decides whose turn it is. That is no dice, so half as many calls more or less
 * may fail; and as of all turns one in so many is the healthy server's, attempts follow from that.
 *
 * Where each goes to another server, that one is found. More attempts than turns there cannot be; on the other hand
 * a burst deals all its first attempts before a retry of it comes, the sick ones getting their part of each whole turn.
 */
export function allButOneSick(servers: number, policy: Policy, burst: number): Expected {
  const sick = (servers - 1) / servers;
  const independent = independentFailures(sick, policy);
  if (policy.attempts === 1) return independent;
  if (!policy.elsewhere) {
    const shareMayBeOff = (1 - independent.share) / 2;
    const { mean, deviation } = independent.attempts;
    return {
      share: independent.share,
      shareMayBeOff,
      attempts: { mean, mayBeOff: servers * shareMayBeOff, deviation },
    };
  }
  const least = 1 + ((servers - 1) * Math.floor(burst / servers)) / burst;
  const most = servers;
  return {
    share: 1,
    attempts: { mean: (least + most) / 2, mayBeOff: (most - least) / 2, deviation: (most - 1) / 2 },
  };
}

/** How things were before: nothing was refused, or all of it was. */
export type Before = 'well' | 'down';

/**
 * More attempts than servers have capacity for, of which each that is refused costs some of it: the more attempts, the
 * less is left for those that are served. It is found as it comes about, step by step.
 *
 * @param overload calls that are made, over those that can be served.
 * @param refusalCost of a call that is refused, where one that is served costs 1; less than 1.
 */
export function overloaded(
  overload: number,
  refusalCost: number,
  { attempts }: Policy,
  before: Before = 'well',
): Expected {
  let failureShare = before === 'well' ? 0 : 1;
  for (let step = 0; step < 1000; step += 1) {
    const load = overload * attemptsUntilSuccess(failureShare, attempts).mean;
    const served = load <= 1 ? load : Math.max(0, (1 - refusalCost * load) / (1 - refusalCost));
    failureShare = 1 - served / load;
  }
  return independentFailures(failureShare, { attempts, elsewhere: false });
}

/** Between these, what was before decides: below it is always well again, above it goes down by itself. */
export type Tipping = { from: number; to: number };

/** With as many calls as can be served nothing is refused; with attempts of calls that fail, it may stay so for less. */
export function tippingOf(refusalCost: number, policy: Policy): Tipping {
  const isWell = (overload: number) => overloaded(overload, refusalCost, policy, 'down').share > 0.999;
  let [well, down] = [0, 1];
  for (let step = 0; step < 20; step += 1) {
    const middle = (well + down) / 2;
    if (isWell(middle)) well = middle;
    else down = middle;
  }
  return { from: down, to: 1 };
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
