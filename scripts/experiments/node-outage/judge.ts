// The checks of every arm, and what they add up to.
import {
  blackHole,
  type Finding,
  fewCallsLost,
  noFailedCall,
  restingOn,
  steadyBefore,
  unreadyInSlices,
  verdictOf,
} from '../../checks/index.ts';
import type { NodeFailure } from '../../cluster/index.ts';
import { between, type FaultSpan, faultSpan, type History, unreadyInSlicesMs } from '../../history/index.ts';
import { loadBasis } from '../basis.ts';
import type { Judged } from '../experiment.ts';
import { ARMS, type ArmName, CONTROL, rateOf, SERVERS, underWay } from './arms.ts';
import { NOTICED, type Parameters, PING_SLACK_MS, TOLD_BEFORE_MS } from './parameters.ts';
import { lostTable } from './tables.ts';

const SERVICE = `greeter-headless-${SERVERS}`;

/** How an arm gets to know: its connections are closed, a ping is not answered, the EndpointSlices say so; or not at all. */
const NOTICES: Record<NodeFailure, Record<ArmName, 'closed' | 'ping' | 'slices' | 'never'>> = {
  partition: { keepalive: 'ping', watch: 'slices', fresh: 'slices', 'no-keepalive': 'never' },
  stop: { keepalive: 'closed', watch: 'closed', fresh: 'slices', 'no-keepalive': 'closed' },
};

/** A call in flight, or a ping on its way, when the node is lost. */
const SHORTLY_MS = 500;
/** For a node's processes to end, and their connections with them. */
const CLOSED_MS = 1000;
/** From the EndpointSlices to clients that do not call what is not ready there. */
const TOLD_AFTER_MS = 2000;
const LOSS = 'the loss of the node';

export function judgeNodeOutage(history: History, parameters: Parameters): Judged {
  const lost = faultSpan(history, SERVERS, `node-${parameters.by}`);
  const findings = ARMS.flatMap((arm) => {
    const basis = basisOf(history, arm, parameters, lost);
    const claims = lost === undefined ? [] : claimsOf(history, arm, parameters, lost);
    return [...restingOn(basis, claims), ...basis];
  });
  // Where connections are closed, none has to be noticed: all arms are claims.
  const control = parameters.by === 'partition' ? CONTROL : undefined;
  const treatment = ARMS.filter((name) => name !== control);
  return {
    findings,
    judgement: verdictOf(findings, { treatment, control }),
    tables: [lostTable(history, lost)],
  };
}

function basisOf(
  history: History,
  arm: ArmName,
  parameters: Parameters,
  lost: FaultSpan | undefined,
): Finding[] {
  const { fromMs } = between(history, 'baseline', 'end');
  const untilMs = lost?.askedMs ?? Number.NEGATIVE_INFINITY;
  return [
    ...loadBasis(history, { arm, clients: 1, ratePerSecond: rateOf(arm, parameters), maxAttempts: 1 }),
    steadyBefore(history, { arm, fromMs, untilMs, even: arm !== 'fresh' }),
  ];
}

function claimsOf(history: History, arm: ArmName, parameters: Parameters, lost: FaultSpan): Finding[] {
  const { servers, deadlineMs, keepaliveMs, keepaliveTimeoutMs } = parameters;
  const { askedMs, injectedMs, healAskedMs, pods } = lost;
  const part = { fromMs: askedMs, untilMs: healAskedMs };
  /** Durations of the prediction count from the loss, which came at some moment until the fault was injected. */
  const afterLoss = (ms: number): number => injectedMs - askedMs + ms;
  const lostFor = (fromMs: number, toMs: number): Finding => {
    const share = pods.length / servers;
    return blackHole(history, { arm, part, cause: LOSS, fromMs, toMs, share });
  };
  const noneAfter = (fromMs: number): Finding =>
    noFailedCall(history, { arm, ...between(history, 'baseline', 'end'), fromMs });
  switch (NOTICES[parameters.by][arm]) {
    case 'closed':
      return [
        fewCallsLost(history, { arm, part, most: underWay(parameters) }),
        noneAfter(injectedMs + CLOSED_MS),
      ];
    case 'ping': {
      const noticedMs = afterLoss(keepaliveMs + keepaliveTimeoutMs + PING_SLACK_MS);
      return [lostFor(keepaliveTimeoutMs - SHORTLY_MS, noticedMs), noneAfter(askedMs + noticedMs)];
    }
    case 'slices': {
      const slices = { arm, service: SERVICE, pods };
      const unreadyMs = unreadyInSlicesMs(history, { ...slices, fromMs: askedMs }) ?? healAskedMs;
      return [
        unreadyInSlices(history, {
          ...slices,
          lost: { fromMs: askedMs, toMs: injectedMs },
          predicted: NOTICED,
        }),
        lostFor(unreadyMs - askedMs - TOLD_BEFORE_MS, unreadyMs - askedMs + TOLD_AFTER_MS),
        noneAfter(unreadyMs + TOLD_AFTER_MS),
      ];
    }
    case 'never': {
      const awayMs = healAskedMs - askedMs;
      return [lostFor(awayMs - deadlineMs - SHORTLY_MS, awayMs)];
    }
  }
}
