// Makes servers fail in several ways while clients call with different policies for a failure.
import { Option } from '@commander-js/extra-typings';
import type { BehaviourChange } from '../../../services/protocol/index.ts';
import { durationOption, integer, positiveDurationOption } from '../../common/options.ts';
import { behaviourFault, type Fault } from '../../faults/index.ts';
import type { Stage } from '../../stage/index.ts';
import type { Experiment, Plan } from '../experiment.ts';
import { deadlineOption, rateOption, seedOption, warmupOption } from '../options.ts';
import { describePolicies } from './describe.ts';
import { judgeRetry } from './judge.ts';
import { numberBetween, numbersBetween } from './numbers.ts';
import { type Parameters, parametersOf, refuseWhatTellsNothing } from './parameters.ts';
import { lengthMs, type Phase, phasesOf } from './phases.ts';
import { type PolicyArm, policyArms, targetOf } from './policies.ts';

/** Each takes as long as a phase, and the whole is to stay under two minutes. */
const MOST_STEPS = 5;

const retry: Experiment = {
  name: 'retry',
  order: 110,
  question: 'What do retries, hedging and throttling buy, and when do they make it worse?',
  about: [
    'Clients call at the same rate with different policies: none (the control);',
    "retry, gRPC's retryPolicy; retry-elsewhere, that of grpc-kit, which goes to",
    "another server each time; hedging; throttled, retry with gRPC's throttling.",
    'One after the other, with healthy times between: all servers fail a share of',
    'what they get; all servers but one fail everything; and servers can do so many',
    'calls and no more, step by step from plenty to too few, where to refuse one',
    'costs them too: from which load on do retries make it worse?',
  ].join('\n'),
  use: [
    'Retry on UNAVAILABLE with few attempts and a back-off, on another server where',
    'you can, and always with throttling: retries that help against single failures',
    'make an overload worse, and can keep servers down that could do all the calls',
    'without them. Servers need room to refuse each call as often as it is tried, or',
    'they do not come back. Hedging is for the tail of cheap calls.',
  ].join('\n'),
  figures: ['plot-1', 'errors-retry', 'errors-retry-elsewhere'],
  options: (command) => {
    const own = command
      .option('--servers <n>', 'server replicas of each arm; default: as many as attempts', integer(2, 5))
      .addOption(rateOption(100))
      .option(
        '--burst <n>',
        'calls that a client starts at once; default: 10, fewer at low rates',
        integer(1, 1000),
      )
      .option('--attempts <n>', 'of a call at most, the first included', integer(2, 5), 3)
      .option('--failure-share <share>', 'of attempts that servers fail', numberBetween(0, 1), 0.3)
      .addOption(
        new Option('--overloads <list>', 'calls over those that servers can do, a step for each')
          .argParser(numbersBetween(0.05, 100, MOST_STEPS))
          .default([0.5, 0.8, 1.1, 1.25], '0.5,0.8,1.1,1.25'),
      )
      .option(
        '--refusal-cost <cost>',
        'of a refused call, where a served one costs 1',
        numberBetween(0, 0.99),
        0.5,
      )
      .addOption(positiveDurationOption('--hedging-delay', 'between attempts that are hedged', '100ms'))
      .addOption(durationOption('--phase', 'of each kind of failure', '10s'))
      .addOption(durationOption('--step', 'of each overload', '7s'))
      .addOption(deadlineOption())
      .addOption(warmupOption(10))
      .addOption(seedOption());
    return { command: own, plan: () => plan(parametersOf(own.opts())) };
  },
};
export default retry;

function plan(parameters: Parameters): Plan {
  refuseWhatTellsNothing(parameters);
  const arms = policyArms(parameters);
  return {
    parameters,
    prediction: describePolicies(parameters, arms),
    arms: arms.map(({ name }) => ({
      name,
      servers: parameters.servers,
      clients: 1,
      serverEnv: { GRPC_MAX_CONNECTION_AGE_MS: undefined },
    })),
    run: (stage) => run(stage, parameters, arms),
    judge: (history) => judgeRetry(history, parameters, arms),
  };
}

async function run(stage: Stage, parameters: Parameters, arms: readonly PolicyArm[]): Promise<void> {
  const { ratePerSecond, burst, deadlineMs, stepMs, gapMs, settleMs } = parameters;
  const clients = new Map(arms.map(({ name, client }) => [name, client]));
  await stage.startWorkloads(
    (arm) => ({ target: targetOf(arm), ...clients.get(arm), ratePerSecond, burst, deadlineMs }),
    { spreadMs: parameters.startSpreadMs, dnsName: (arm) => `greeter-headless-${arm}` },
  );
  await stage.observe('warm-up', parameters.warmupMs);
  await stage.observe('baseline', stepMs);
  const phases = phasesOf(parameters);
  for (const phase of phases) {
    const faults = arms.flatMap(({ name }) => faultsOf(stage, name, phase, parameters));
    await stage.during(phase.name, faults, lengthMs(phase, parameters));
    if (phase !== phases.at(-1)) await stage.observe('gap', gapMs);
  }
  await stage.observe('recovered', gapMs + settleMs);
}

function faultsOf(stage: Stage, arm: string, phase: Phase, parameters: Parameters): Fault[] {
  const { failureShare, ratePerSecond, refusalCost } = parameters;
  const pods = stage.servers(arm).map(({ pod }) => pod);
  const fault = (
    detail: string,
    on: readonly string[],
    during: BehaviourChange,
    after: BehaviourChange,
  ): Fault => behaviourFault(stage.proxy, { name: phase.name, arm, detail, pods: on, during, after });
  switch (phase.trouble) {
    case 'failing': {
      const detail = `servers of ${arm} fail ${failureShare} of attempts`;
      return [fault(detail, pods, { failureShare }, { failureShare: 0 })];
    }
    case 'sick': {
      const detail = `servers of ${arm} fail all, but for one`;
      return [fault(detail, pods.slice(1), { failureShare: 1 }, { failureShare: 0 })];
    }
    case 'overload': {
      const callsPerSecond = ratePerSecond / phase.overload / pods.length;
      const detail = `servers of ${arm} can do ${callsPerSecond.toFixed(1)} calls a second each`;
      return [fault(detail, pods, { capacity: { callsPerSecond, refusalCost } }, { capacity: null })];
    }
  }
}
