// The arms: what a client does about a failure, and what should come of it in each phase.
import { CAPACITY_IN_HAND_MS, GRPC_PORT, type WorkloadRequest } from '../../../services/protocol/index.ts';
import { RETRY_UNAVAILABLE } from '../load.ts';
import {
  allButOneSick,
  type Expected,
  independentFailures,
  overloaded,
  type Policy,
  type Tipping,
  tippingOf,
} from './model.ts';
import { drainsTokens, type Parameters } from './parameters.ts';
import type { Phase } from './phases.ts';

/**
 * `exact`: figures that the model gives as they are; `about`: where more than the model knows has a part, they are to be
 * better than without a policy, or worse, by half as much; `open`: nothing is asked for, chance has too large a part.
 */
export type Expectation = Expected & {
  kind: 'exact' | 'about' | 'open';
  /** What it stays at where a moment's trouble has brought it down: something else than what it stays at else. */
  down?: Expected;
};

export type PolicyArm = {
  /** The arm's name. */
  name: string;
  maxAttempts: number;
  hedging: { delayMs: number; maxAttempts: number } | undefined;
  client: Pick<WorkloadRequest, 'stack' | 'retry' | 'hedging' | 'throttling'>;
  healthy: Expected;
  expected: (phase: Phase) => Expectation;
  /** The arm that it should do better than where the model says so. */
  betterThan?: string;
  /** Where it becomes worse than the control; undefined: nowhere. */
  tipping: Tipping | undefined;
};

export const CONTROL = 'none';

const ONCE: Policy = { attempts: 1, elsewhere: false };

/** All of them, the control first. */
export function policyArms(parameters: Parameters): PolicyArm[] {
  const { attempts, hedgingDelayMs, throttling } = parameters;
  const retry = { ...RETRY_UNAVAILABLE, maxAttempts: attempts };
  const hedging = {
    maxAttempts: attempts,
    hedgingDelayMs,
    nonFatalStatusCodes: RETRY_UNAVAILABLE.retryableStatusCodes,
  };
  const again: Policy = { attempts, elsewhere: false };
  const elsewhere: Policy = { attempts, elsewhere: true };
  const arm = (
    name: string,
    policy: Policy,
    client: PolicyArm['client'],
    maxAttempts = attempts,
  ): PolicyArm => ({
    name,
    maxAttempts,
    hedging: client.hedging && { delayMs: hedgingDelayMs, maxAttempts },
    client,
    healthy: independentFailures(0, policy),
    expected: (phase) => expectedOf(parameters, policy, phase),
    tipping: policy.attempts === 1 ? undefined : tippingIn(parameters, policy),
  });
  return [
    arm(CONTROL, ONCE, {}, 1),
    arm('retry', again, { retry }),
    { ...arm('retry-elsewhere', elsewhere, { stack: 'kit', retry }), betterThan: 'retry' },
    hedged(arm('hedging', again, { hedging })),
    // Once the tokens are gone it is as if there were no policy.
    arm('throttled', ONCE, { retry, throttling }),
  ];
}

/** Hedges follow failures at once: where few calls are under way, whose turn it is is no chance at all. */
const hedged = (arm: PolicyArm): PolicyArm => ({
  ...arm,
  expected: (phase) => ({
    ...arm.expected(phase),
    ...(phase.trouble === 'sick' ? { kind: 'about' as const } : {}),
  }),
});

function expectedOf(parameters: Parameters, policy: Policy, phase: Phase): Expectation {
  const { servers, burst, failureShare } = parameters;
  switch (phase.trouble) {
    case 'failing':
      return { ...independentFailures(failureShare, policy), kind: 'exact' };
    case 'sick':
      return { ...allButOneSick(servers, policy, burst), kind: 'exact' };
    case 'overload':
      return expectedUnder(phase.overload, policy, parameters);
  }
}

/** Of shares: far enough apart to be told, whatever chance does. */
const FAR_APART = 0.2;

/** Up to where either may be: above 1, too, steps so near to it that little is refused within them, or makes little difference. */
function tippingIn({ overloads, refusalCost, settleMs }: Parameters, policy: Policy): Tipping {
  const { from, to } = tippingOf(refusalCost, policy);
  const share = (overload: number, attempts: number) =>
    overloaded(overload, refusalCost, { attempts, elsewhere: false }).share;
  const unsure = overloads.filter(
    (overload) =>
      overload > to &&
      (CAPACITY_IN_HAND_MS / (overload - 1) > settleMs ||
        share(overload, 1) - share(overload, policy.attempts) < FAR_APART),
  );
  return { from, to: Math.max(to, ...unsure) };
}

/** So near to what servers can do, chance has a part in who is refused. */
const NEARLY_FULL = 0.95;

function expectedUnder(
  overload: number,
  policy: Policy,
  { overloads, refusalCost, throttling }: Parameters,
): Expectation {
  const well = overloaded(overload, refusalCost, policy);
  if (policy.attempts === 1) {
    const isSure = overload <= NEARLY_FULL || drainsTokens(1 - well.share, throttling);
    return { ...well, kind: isSure ? 'exact' : 'open' };
  }
  const down = overloaded(overload, refusalCost, policy, 'down');
  const isEnd = overload === overloads[0] || overload === overloads.at(-1);
  return {
    ...well,
    kind: isEnd ? 'about' : 'open',
    ...(Math.abs(down.share - well.share) > 0.01 ? { down } : {}),
  };
}

export const targetOf = (arm: string): string => `dns:///greeter-headless-${arm}:${GRPC_PORT}`;
