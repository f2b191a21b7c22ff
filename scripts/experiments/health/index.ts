// Lets one server of each arm say NOT_SERVING, to probes of several kinds.
import { Option } from '@commander-js/extra-typings';
import { durationOption, durationOrOff, integer } from '../../common/options.ts';
import { notServingFault } from '../../faults/index.ts';
import type { Stage } from '../../stage/index.ts';
import type { Experiment, Plan } from '../experiment.ts';
import { RETRY_UNAVAILABLE, refuseTooFewPerPod } from '../load.ts';
import { deadlineOption, rateOption, seedOption, warmupOption } from '../options.ts';
import { type Arm, armsOf, describeArms, FAULTS, readinessProbe, targetOf } from './arms.ts';
import { judgeHealth } from './judge.ts';
import { type Parameters, parametersOf } from './parameters.ts';

const health: Experiment = {
  name: 'health',
  order: 85,
  question: 'When a server says NOT_SERVING, who stops calling it?',
  about: [
    'In each arm one server of --servers says NOT_SERVING by the gRPC health',
    'service, and goes on to answer calls: first for its service, greet.Greeter,',
    'then, when that is healed, for "", the server as a whole. The readiness probe',
    'asks for the service (probed, and probed-max-age, whose connections age), for',
    '"" (probed-whole), or opens a TCP connection only (unprobed, the control).',
  ].join('\n'),
  use: [
    'A readiness probe of the gRPC health service takes a server out of the',
    'endpoints, and no client that is connected notices. To stop calls, the server',
    'has to end its connections too (max age, or a drain); to be noticed at all,',
    'the probe has to ask for the service that is sick.',
  ].join('\n'),
  figures: ['requests-probed', 'requests-unprobed'],
  options: (command) => {
    const own = command
      .option('--servers <n>', 'server replicas of each arm', integer(2, 10), 3)
      .addOption(rateOption(40))
      .addOption(
        new Option('--max-connection-age <duration>', 'of the servers of probed-max-age, or off')
          .argParser(durationOrOff)
          .default(5000, '5s'),
      )
      .addOption(
        durationOption('--dns-floor', "least time between two DNS resolutions; grpc-js's own is 30s", '5s'),
      )
      .option('--probe-period <seconds>', 'of the readiness probes', integer(1, 30), 1)
      // Longer than a busy machine stands still: a call that is late says nothing of health.
      .addOption(deadlineOption().default(5000, '5s'))
      .addOption(warmupOption(5))
      .addOption(seedOption());
    return { command: own, plan: () => plan(parametersOf(own.opts())) };
  },
};
export default health;

function plan(parameters: Parameters): Plan {
  refuseTooFewPerPod(parameters);
  const arms = armsOf(parameters);
  return {
    parameters,
    prediction: describeArms(parameters, arms),
    arms: arms.map((arm) => ({
      name: arm.name,
      servers: parameters.servers,
      clients: 1,
      serverEnv: { GRPC_MAX_CONNECTION_AGE_MS: arm.ageMs?.toString() },
      serverProbes: { readinessProbe: readinessProbe(arm, parameters) },
    })),
    run: (stage) => run(stage, parameters, arms),
    judge: (history) => judgeHealth(history, parameters, arms),
  };
}

async function run(stage: Stage, parameters: Parameters, arms: readonly Arm[]): Promise<void> {
  const { ratePerSecond, burst, deadlineMs, dnsFloorMs } = parameters;
  await stage.startWorkloads(
    (arm) => ({
      target: targetOf(arm),
      ratePerSecond,
      burst,
      deadlineMs,
      retry: RETRY_UNAVAILABLE,
      channelOptions: { 'grpc.dns_min_time_between_resolutions_ms': dnsFloorMs },
    }),
    { spreadMs: parameters.startSpreadMs, dnsName: (arm) => `greeter-headless-${arm}` },
  );
  await stage.observe('warm-up', parameters.warmupMs);
  await stage.observe('baseline', parameters.baselineMs);
  for (const { name, service } of FAULTS) {
    const faults = arms.map(({ name: arm }) => notServing(stage, arm, name, service));
    await stage.during(name, faults, parameters.faultMs[name]);
    await stage.observe(`after ${name}`, parameters.healedMs[name]);
  }
}

function notServing(stage: Stage, arm: string, name: string, service: string) {
  const pods = stage
    .servers(arm)
    .slice(0, 1)
    .map(({ pod }) => pod);
  return notServingFault(stage.proxy, { name, arm, pods, service });
}
