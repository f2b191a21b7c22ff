// What grpc-js should do when its servers are scaled, said from the parameters before the run.
//
// A DNS channel has no timer. It resolves again when a connection is lost, but not before the floor has passed since
// it last did; a loss within the floor is made good when the floor ends. With a floor above the connections' age
// there is always such a loss, so the floor is the period. With a lower one the period is the time between losses:
// at most one age with its jitter, for connections that were opened together are lost together.
import type { Prediction } from '../../checks/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { wrap } from '../../common/terminal.ts';
import { predictSlowest } from '../convergence.ts';
import { longestPeriodMs, type Period, SLACK_MS, scaleOutBoundMs } from '../dns-period.ts';
import { howItHeld } from '../measured.ts';

/** From so many clients on, the slowest of them is predictable enough to say more than 0 to bound. */
export const MANY_CLIENTS = 5;

export type ScaleParameters = Period & {
  /** Server replicas before and after. */
  from: number;
  to: number;
  policy: 'round_robin' | 'pick_first';
  service: 'headless' | 'clusterip';
  clients: number;
  /** Clients are started at random within this time. */
  startSpreadMs: number;
  /** From the last client's start to the change. */
  settledMs: number;
  /** How long a server goes on answering after SIGTERM. */
  drainMs: number;
};

type ArmPrediction = {
  /** Scale-out: a new pod's Ready to the slowest client's first call. Scale-in: the last pod's leaving to even. */
  convergence: Prediction;
  failedCalls: 'none' | 'some';
};

export type ScalePrediction = {
  direction: 'out' | 'in';
  treatment: ArmPrediction;
  control: ArmPrediction;
};

/** What each arm should do; the control of a scale-out has no max age, that of a scale-in no drain and no retry. */
export function predictScale(parameters: ScaleParameters): ScalePrediction {
  if (parameters.to > parameters.from) {
    const control = { ...parameters, maxConnectionAgeMs: undefined };
    return {
      direction: 'out',
      treatment: { convergence: predictScaleOut(parameters), failedCalls: 'none' },
      control: { convergence: predictScaleOut(control), failedCalls: 'none' },
    };
  }
  return {
    direction: 'in',
    treatment: { convergence: predictScaleIn(parameters), failedCalls: 'none' },
    control: { convergence: predictScaleIn({ ...parameters, drainMs: 0 }), failedCalls: 'some' },
  };
}

function predictScaleOut(parameters: ScaleParameters): Prediction {
  const boundMs = scaleOutBoundMs(parameters);
  const why = whyNeverEven(parameters) ?? whyNeverResolved(parameters);
  if (why !== undefined) return { kind: 'never', why, boundMs };

  const longestMs = longestPeriodMs(parameters);
  const { clients, startSpreadMs, settledMs } = parameters;
  const period = describePeriod(parameters);
  const extra = `Up to ${formatDuration(SLACK_MS)} more for EndpointSlice, DNS and connecting.`;
  if (clients < MANY_CLIENTS || startSpreadMs < longestMs) {
    const who = clients === 1 ? 'the one client is' : 'the slowest client is';
    const explains =
      `${period} A pod may become Ready at any moment of that time, so any wait up to ` +
      `${formatDuration(longestMs)} is possible${clients === 1 ? ', all about equally likely' : ''}, ` +
      `depending on where ${who} in it. ${extra}`;
    return { kind: 'interval', fromMs: 0, toMs: boundMs, coverage: 1, boundMs, explains };
  }

  const { from, to, maxConnectionAgeMs = 0, dnsFloorMs } = parameters;
  return {
    kind: 'interval',
    ...predictSlowest({
      from,
      added: to - from,
      clients,
      startSpreadMs,
      settledMs,
      maxConnectionAgeMs,
      dnsFloorMs,
    }),
    boundMs,
    explains:
      `${period} Each of ${clients} clients is at a random point of that time when a pod becomes Ready, and the ` +
      `slowest of them is likely to be near its end. Simulated, with EndpointSlice, DNS and connecting. ${howItHeld()}`,
  };
}

function predictScaleIn(parameters: ScaleParameters): Prediction {
  const boundMs = parameters.drainMs + SLACK_MS;
  const why = whyNeverEven(parameters);
  if (why !== undefined) return { kind: 'never', why, boundMs };
  const leaves =
    parameters.drainMs === 0
      ? 'A server that leaves is gone at once;'
      : `A server that leaves goes on answering for ${formatDuration(parameters.drainMs)}, then closes its connections;`;
  const explains = `${leaves} round_robin deals its share to those that are left, before any new resolution.`;
  return { kind: 'interval', fromMs: 0, toMs: boundMs, coverage: 1, boundMs, explains };
}

/** Why shares cannot become even with this policy and Service, whatever the age of connections. */
function whyNeverEven({ service, policy, maxConnectionAgeMs }: ScaleParameters): string | undefined {
  const moves =
    maxConnectionAgeMs === undefined
      ? ''
      : '; with a max age it moves now and then, so a pod gets calls by luck';
  if (service === 'clusterip') {
    return `a ClusterIP is one address, and each connection to it stays on one pod${moves}`;
  }
  if (policy === 'pick_first') {
    return `pick_first keeps one connection for all calls of a client, and it stays on one pod${moves}`;
  }
  return undefined;
}

const whyNeverResolved = ({ maxConnectionAgeMs }: ScaleParameters): string | undefined =>
  maxConnectionAgeMs === undefined
    ? 'without a max connection age no connection is lost, and nothing else makes a client resolve again'
    : undefined;

/** The period when the losses of a client's connections, one to each pod, are spread evenly. */
const shortestPeriodMs = ({ maxConnectionAgeMs = 0, dnsFloorMs, from }: Period & { from: number }): number =>
  Math.max(maxConnectionAgeMs / from, dnsFloorMs);

function describePeriod(parameters: ScaleParameters): string {
  const longest = formatDuration(longestPeriodMs(parameters));
  const age = formatDuration(parameters.maxConnectionAgeMs ?? 0);
  if (parameters.dnsFloorMs >= longestPeriodMs(parameters)) {
    return (
      `A client resolves every ${longest}: connections are lost more often (max age ${age} ±10%), ` +
      'but the DNS floor holds it back.'
    );
  }
  const shortest = formatDuration(shortestPeriodMs(parameters));
  return `A client resolves when a connection is lost (max age ${age} ±10%): every ${shortest} to ${longest}.`;
}

/** The prediction for people, in lines of at most 80 columns. */
export function describePrediction({ direction, treatment, control }: ScalePrediction): string {
  const what =
    direction === 'out'
      ? "a new pod's Ready to the slowest client's first call on it"
      : 'the last pod leaving to even shares';
  return [
    `From ${what}:`,
    wrap(`treatment: ${describeArm(treatment)}`, '  ', ''),
    wrap(`control: ${describeArm(control)}`, '  ', ''),
  ].join('\n');
}

function describeArm({ convergence, failedCalls }: ArmPrediction): string {
  const failures = failedCalls === 'none' ? 'No call fails.' : 'At least one call is lost.';
  if (convergence.kind === 'never') return `never: ${convergence.why}. ${failures}`;
  const { fromMs, toMs, coverage, boundMs, explains } = convergence;
  const likely = coverage === 1 ? '' : ` in ${(coverage * 100).toFixed(0)}% of runs`;
  const bound = boundMs === toMs ? '' : ` (bound ${formatDuration(boundMs)})`;
  return `${formatDuration(fromMs)} to ${formatDuration(toMs)}${likely}${bound}. ${explains} ${failures}`;
}
