// Makes servers fail in several ways while clients call with different policies for a failure.
import { InvalidArgumentError } from '@commander-js/extra-typings';
import type { BehaviourChange } from '../../../services/protocol/index.ts';
import { durationOption, integer, positiveDurationOption } from '../../common/options.ts';
import { behaviourFault, type Fault } from '../../faults/index.ts';
import type { Stage } from '../../stage/index.ts';
import type { Experiment, Plan } from '../experiment.ts';
import { deadlineOption, rateOption, seedOption, warmupOption } from '../options.ts';
import { judgeRetry } from './judge.ts';
import { type Parameters, parametersOf, refuseWhatTellsNothing } from './parameters.ts';
import { describePolicies, PHASES, type Phase, type PolicyArm, policyArms, targetOf } from './policies.ts';

const retry: Experiment = {
  name: 'retry',
  order: 110,
  question: 'What do retries, hedging and throttling buy, and when do they make it worse?',
  about: [
    'Clients call at the same rate with different policies: none (the control);',
    "retry, gRPC's retryPolicy; retry-elsewhere, that of grpc-kit, which goes to",
    "another server each time; hedging; throttled, retry with gRPC's throttling.",
    'One after the other, with healthy times between: all servers fail a share of',
    'what they get; one server fails everything; there are more calls than the',
    'servers can do, and to refuse one costs them too.',
  ].join('\n'),
  use: [
    'Retry on UNAVAILABLE with few attempts and a back-off, on another server where',
    'you can, and always with throttling: retries that help against single failures',
    'make an overload worse. Hedging is for the tail of cheap calls.',
  ].join('\n'),
  figures: ['errors-none', 'errors-retry'],
  options: (command) => {
    const own = command
      .option('--servers <n>', 'server replicas of each arm', integer(2, 10), 3)
      .addOption(rateOption(100))
      .option(
        '--burst <n>',
        'calls that a client starts at once; default: 10, fewer at low rates',
        integer(1, 1000),
      )
      .option('--attempts <n>', 'of a call at most, the first included', integer(2, 5), 3)
      .option('--failure-share <share>', 'of attempts that servers fail', numberBetween(0, 1), 0.3)
      .option('--overload <times>', 'calls over those that servers can do', numberBetween(0, 100), 1.25)
      .option(
        '--refusal-cost <cost>',
        'of a refused call, where a served one costs 1',
        numberBetween(0, 0.99),
        0.5,
      )
      .addOption(positiveDurationOption('--hedging-delay', 'between attempts that are hedged', '100ms'))
      .addOption(durationOption('--phase', 'of each kind of trouble', '10s'))
      .addOption(deadlineOption())
      .addOption(warmupOption(10))
      .addOption(seedOption());
    return { command: own, plan: () => plan(parametersOf(own.opts())) };
  },
};
export default retry;

/** Parser of a number between two others, they included. */
const numberBetween =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d*\.?\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`);
    }
    return value;
  };

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
  const { ratePerSecond, burst, deadlineMs, phaseMs, gapMs, settleMs } = parameters;
  const clients = new Map(arms.map(({ name, client }) => [name, client]));
  await stage.startWorkloads(
    (arm) => ({ target: targetOf(arm), ...clients.get(arm), ratePerSecond, burst, deadlineMs }),
    { spreadMs: parameters.startSpreadMs, dnsName: (arm) => `greeter-headless-${arm}` },
  );
  await stage.observe('warm-up', parameters.warmupMs);
  await stage.observe('baseline', phaseMs);
  for (const phase of PHASES) {
    const faults = arms.flatMap(({ name }) => faultsOf(stage, name, phase, parameters));
    await stage.during(phase, faults, phaseMs);
    if (phase !== PHASES.at(-1)) await stage.observe('gap', gapMs);
  }
  await stage.observe('recovered', gapMs + settleMs);
}

function faultsOf(stage: Stage, arm: string, phase: Phase, parameters: Parameters): Fault[] {
  const { failureShare, ratePerSecond, overload, refusalCost } = parameters;
  const pods = stage.servers(arm).map(({ pod }) => pod);
  const callsPerSecond = ratePerSecond / overload / pods.length;
  const fault = (detail: string, on: string[], during: BehaviourChange, after: BehaviourChange): Fault =>
    behaviourFault(stage.proxy, { name: phase, arm, detail, pods: on, during, after });
  switch (phase) {
    case 'failing':
      return [
        fault(
          `servers of ${arm} fail ${failureShare} of attempts`,
          pods,
          { failureShare },
          { failureShare: 0 },
        ),
      ];
    case 'sick':
      return [
        fault(`a server of ${arm} fails all`, pods.slice(0, 1), { failureShare: 1 }, { failureShare: 0 }),
      ];
    case 'overload':
      return [
        fault(
          `servers of ${arm} can do ${callsPerSecond.toFixed(1)} calls a second each`,
          pods,
          { capacity: { callsPerSecond, refusalCost } },
          { capacity: null },
        ),
      ];
  }
}
