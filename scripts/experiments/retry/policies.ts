// The arms: what a client does about a failure, and what should come of it in each phase.
import { GRPC_PORT, type WorkloadRequest } from '../../../services/protocol/index.ts';
import { percent } from '../../checks/index.ts';
import { wrap } from '../../common/terminal.ts';
import { RETRY_UNAVAILABLE } from '../load.ts';
import { type Expected, independentFailures, oneSick, overloaded, type Policy } from './model.ts';
import type { Parameters } from './parameters.ts';

/** The phases in which something is wrong, in their order. */
export const PHASES = ['failing', 'sick', 'overload'] as const;
export type Phase = (typeof PHASES)[number];

/**
 * `exact`: figures that the model gives as they are; `about`: where more than the model knows has a part, they are to be
 * better than without a policy, or worse, by half as much.
 */
export type Expectation = Expected & { kind: 'exact' | 'about' };

export type PolicyArm = {
  /** The arm's name. */
  name: string;
  maxAttempts: number;
  hedging: { delayMs: number; maxAttempts: number } | undefined;
  client: Pick<WorkloadRequest, 'stack' | 'retry' | 'hedging' | 'throttling'>;
  expected: Record<'healthy' | Phase, Expectation>;
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
    expected: expectedOf(parameters, policy),
  });
  return [
    arm(CONTROL, ONCE, {}, 1),
    arm('retry', again, { retry }),
    arm('retry-elsewhere', { attempts, elsewhere: true }, { stack: 'kit', retry }),
    arm('hedging', again, { hedging }),
    // Once the tokens are gone it is as if there were no policy.
    arm('throttled', ONCE, { retry, throttling }),
  ];
}

function expectedOf(
  { servers, burst, failureShare, overload, refusalCost }: Parameters,
  policy: Policy,
): PolicyArm['expected'] {
  const exact = (expected: Expected): Expectation => ({ ...expected, kind: 'exact' });
  const isSure = policy.attempts === 1 || policy.elsewhere;
  return {
    healthy: exact(independentFailures(0, policy)),
    failing: exact(independentFailures(failureShare, policy)),
    sick: { ...oneSick(servers, policy, burst), kind: isSure ? 'exact' : 'about' },
    overload: {
      ...overloaded(overload, refusalCost, policy),
      kind: policy.attempts === 1 ? 'exact' : 'about',
    },
  };
}

export const targetOf = (arm: string): string => `dns:///greeter-headless-${arm}:${GRPC_PORT}`;

/** The prediction for people, in lines of at most 80 columns. */
export function describePolicies(parameters: Parameters, arms: readonly PolicyArm[]): string {
  const { servers, attempts, failureShare, overload, refusalCost } = parameters;
  const row = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(i === 0 ? 16 : 15))
      .join('')
      .trimEnd();
  const cell = ({ kind, share, attempts: { mean, mayBeOff } }: Expectation) => {
    const made =
      mayBeOff === 0 ? mean.toFixed(2) : `${(mean - mayBeOff).toFixed(1)}–${(mean + mayBeOff).toFixed(1)}`;
    return `${kind === 'about' ? '~' : ''}${percent(share)} × ${made}`;
  };
  const phases = ['healthy', ...PHASES] as const;
  const notes = [
    `failing: every server fails ${percent(failureShare)} of attempts, independently: of calls with up to ` +
      `${attempts} attempts 1 − ${failureShare}^${attempts} succeed.`,
    `sick: one of ${servers} servers fails everything. A retry of grpc-js may go to it again, one of grpc-kit does ` +
      'not. Retries take turns of the others, so the sick one may get more first attempts than its share.',
    `overload: ${overload} times the calls that servers can do, and a refused call costs them ${refusalCost} of a ` +
      'served one. Retries add to the load until nothing is served; throttling stops them.',
    '~ is what independent attempts would make of it: half of the difference from no policy is asked for.',
  ];
  return [
    'Calls that succeed × attempts per call:',
    row(['', ...phases]),
    ...arms.map(({ name, expected }) => row([name, ...phases.map((phase) => cell(expected[phase]))])),
    ...notes.map((note) => wrap(note, '  ', '')),
  ].join('\n');
}
