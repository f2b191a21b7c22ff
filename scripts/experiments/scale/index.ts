// Scales the servers while clients call, with a treatment and a control side by side.
import { Option } from '@commander-js/extra-typings';
import type { WorkloadRequest } from '../../../services/protocol/index.ts';
import { GRPC_PORT } from '../../../services/protocol/index.ts';
import { duration, durationOption, durationOrOff, integer } from '../../common/options.ts';
import { scaleFault } from '../../faults/index.ts';
import type { ArmPlan, Stage } from '../../stage/index.ts';
import type { Experiment, Plan } from '../experiment.ts';
import { RETRY_UNAVAILABLE } from '../load.ts';
import { deadlineOption, rateOption, seedOption, warmupOption } from '../options.ts';
import { judgeScale } from './judge.ts';
import { isScaleOut, type Parameters, parametersOf, refuseWhatTellsNothing } from './parameters.ts';
import { describePrediction, predictScale } from './prediction.ts';

const scale: Experiment = {
  name: 'scale',
  order: 10,
  question: 'Do replicas that are added to a running service get their share of the calls?',
  about: [
    'Scale-out: two Deployments of greeter-server go from --from to --to replicas in',
    'the same minute, under steady load. The treatment limits the age of connections,',
    'so that clients lose one now and then and ask DNS again; the control does not,',
    'and its new pods get nothing.',
    'Scale-in (--to below --from): the treatment drains on SIGTERM and its clients',
    'retry; the control does neither, and loses calls. No connection ages here: what',
    'is lost is lost to the pods that go.',
  ].join('\n'),
  use: [
    'Limit the age of connections at the server (a max connection age of some tens',
    'of seconds) wherever clients find servers by DNS, dial a headless Service with',
    'round_robin, and give calls a retryPolicy on UNAVAILABLE. A new pod then gets',
    'its share within the larger of age and DNS floor; without it, it may never.',
  ].join('\n'),
  figures: ['requests-treatment', 'requests-control'],
  options: (command) => {
    const own = command
      .option('--from <n>', 'server replicas before', integer(1, 200), 5)
      .option('--to <n>', 'server replicas after', integer(1, 200), 10)
      .addOption(rateOption(200))
      .option(
        '--burst <n>',
        'calls that a client starts at once; default: 10, fewer at low rates',
        integer(1, 1000),
      )
      .option('--clients <n>', 'client pods of each arm', integer(1, 50), 2)
      .addOption(
        new Option('--max-connection-age <duration>', "the treatment's max connection age, or off")
          .argParser(durationOrOff)
          .default(10_000, '10s'),
      )
      .addOption(durationOption('--dns-floor', 'least time between two DNS resolutions of a channel', '30s'))
      .addOption(
        new Option('--stack <stack>', 'client library: bare grpc-js, or grpc-kit on top of it')
          .choices(['grpc-js', 'kit'] as const)
          .default('grpc-js' as const),
      )
      .addOption(
        new Option('--policy <policy>', 'load balancing')
          .choices(['round_robin', 'pick_first'] as const)
          .default('round_robin' as const),
      )
      .addOption(
        new Option('--service <kind>', 'what clients dial')
          .choices(['headless', 'clusterip'] as const)
          .default('headless' as const),
      )
      .addOption(deadlineOption())
      .option(
        '--latency <duration>',
        'that servers add to each call; default: 0ms, 100ms to scale in',
        duration,
      )
      .addOption(durationOption('--drain', 'how long a server serves on after SIGTERM', '3s'))
      .addOption(warmupOption(10))
      .option('--window <duration>', 'observation after the change; default: 45s, 20s to scale in', duration)
      .addOption(seedOption());
    return { command: own, plan: () => plan(parametersOf(own.opts())) };
  },
};
export default scale;

function plan(parameters: Parameters): Plan {
  const prediction = predictScale(parameters);
  refuseWhatTellsNothing(parameters, prediction.treatment.convergence);
  return {
    parameters,
    prediction: describePrediction(prediction),
    arms: [armOf('treatment', parameters), armOf('control', parameters)],
    run: (stage) => run(stage, parameters),
    judge: (history) => judgeScale(history, parameters, prediction),
  };
}

function armOf(name: 'treatment' | 'control', parameters: Parameters): ArmPlan {
  const isControl = name === 'control';
  const out = isScaleOut(parameters);
  const ageMs = out && !isControl ? parameters.maxConnectionAgeMs : undefined;
  return {
    name,
    servers: parameters.from,
    clients: parameters.clients,
    serverEnv: {
      GRPC_MAX_CONNECTION_AGE_MS: ageMs?.toString(),
      INITIAL_LATENCY_MS: parameters.latencyMs.toString(),
      DRAIN: !out && isControl ? 'none' : 'graceful',
      DRAIN_DELAY_MS: parameters.drainMs.toString(),
    },
  };
}

async function run(stage: Stage, parameters: Parameters): Promise<void> {
  const { from, to, warmupMs, baselineMs, windowMs, startSpreadMs } = parameters;
  await stage.startWorkloads((arm) => workloadOf(arm, parameters), {
    spreadMs: startSpreadMs,
    ...(parameters.service === 'headless' ? { dnsName: (arm: string) => `greeter-headless-${arm}` } : {}),
  });
  await stage.observe('warm-up', warmupMs);
  await stage.observe('baseline', baselineMs);
  // The control first: what is measured most closely is then not disturbed by pods that start.
  const faults = ['control', 'treatment'].map((arm) =>
    scaleFault(stage.api, { arm, deployment: `greeter-server-${arm}`, from, to }),
  );
  await stage.inject(faults, to);
  await stage.observe('window', windowMs);
}

function workloadOf(arm: string, parameters: Parameters): Omit<WorkloadRequest, 'id'> {
  const service = parameters.service === 'headless' ? 'greeter-headless' : 'greeter';
  const retries = isScaleOut(parameters) || arm === 'treatment';
  return {
    target: `dns:///${service}-${arm}:${GRPC_PORT}`,
    stack: parameters.stack,
    policy: parameters.policy,
    ratePerSecond: parameters.ratePerSecond,
    burst: parameters.burst,
    deadlineMs: parameters.deadlineMs,
    channelOptions: { 'grpc.dns_min_time_between_resolutions_ms': parameters.dnsFloorMs },
    ...(retries ? { retry: RETRY_UNAVAILABLE } : {}),
  };
}
