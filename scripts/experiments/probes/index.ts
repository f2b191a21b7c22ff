// Asks servers that speak h2c for readiness in different ways, while they serve and while they say NOT_SERVING.
import { durationOption, integer } from '../../common/options.ts';
import { notServingFault } from '../../faults/index.ts';
import type { Stage } from '../../stage/index.ts';
import type { Experiment, Plan } from '../experiment.ts';
import { type Arm, armsOf, CONTROL, describeArms, FAULT, TIMED_IN } from './arms.ts';
import { judgeProbes } from './judge.ts';
import { type Parameters, parametersOf, refuseWhatTellsNothing } from './parameters.ts';

const probes: Experiment = {
  name: 'probes',
  order: 90,
  question: 'Which readiness probe tells what about a gRPC server?',
  about: [
    'Seven servers, a pod each and without clients, differ in their readiness probe',
    'of the same h2c port: httpGet; grpc for "", for greet.Greeter and for a service',
    'that the server does not know; tcpSocket; exec of a Node script in the image',
    'that asks for health, with --exec-timeout (exec-short) and with 5s (exec-long).',
    'The script takes --script-work longer than it would here: so it goes where CPU',
    'is limited or short. After a while all of them say NOT_SERVING for "". All run',
    'on the same machine, and how long the script takes there is measured beside its',
    'probes.',
  ].join('\n'),
  use: [
    'Use the gRPC probe of Kubernetes, with the name of a service that the server',
    'knows. An HTTP probe cannot pass on an h2c port, and a TCP probe always does.',
    'An exec probe starts a process each time, which may take a second where CPU is',
    'limited: give it more than the default timeoutSeconds of 1.',
  ].join('\n'),
  figures: [],
  options: (command) => {
    const own = command
      .option('--probe-period <seconds>', 'of each probe', integer(1, 10), 2)
      .option('--exec-timeout <seconds>', 'timeoutSeconds of exec-short', integer(1, 4), 1)
      .addOption(
        durationOption('--script-work', 'that the script takes beside starting and asking', '1200ms'),
      );
    return { command: own, plan: () => plan(parametersOf(own.opts())) };
  },
};
export default probes;

function plan(parameters: Parameters): Plan {
  refuseWhatTellsNothing(parameters);
  const arms = armsOf(parameters);
  return {
    parameters,
    prediction: describeArms(arms),
    arms: arms.map(({ name, readinessProbe }) => ({
      name,
      servers: 1,
      clients: 0,
      serverEnv: {},
      // With a start-up probe, readiness would not be asked before that has passed.
      serverProbes: { startupProbe: null, readinessProbe },
      mayBeUnready: name !== CONTROL,
    })),
    run: (stage) => run(stage, parameters, arms),
    judge: (history) => judgeProbes(history, parameters, arms),
  };
}

async function run(stage: Stage, parameters: Parameters, arms: readonly Arm[]): Promise<void> {
  const { baselineMs, faultMs, healedMs, scriptRuns, scriptWorkMs } = parameters;
  await started(stage, parameters, arms);
  await stage.observe('baseline', baselineMs);
  await stage.runHealthProbe(TIMED_IN, { times: scriptRuns, workMs: scriptWorkMs });
  await stage.during(
    FAULT,
    arms.map(({ name }) => notServing(stage, name)),
    faultMs,
  );
  await stage.observe('healed', healedMs);
}

/** Until those are Ready that should be. If one never is, that is for the checks to say. */
async function started(stage: Stage, { startMs }: Parameters, arms: readonly Arm[]): Promise<void> {
  const expected = arms.filter(({ fate }) => fate.kind === 'always' || fate.kind === 'follows');
  const unready = () => expected.filter(({ name }) => !stage.servers(name).some(({ ready }) => ready));
  const untilMs = performance.now() + startMs;
  while (unready().length > 0 && performance.now() < untilMs) await stage.observe('start', 500);
}

function notServing(stage: Stage, arm: string) {
  const pods = stage.servers(arm).map(({ pod }) => pod);
  return notServingFault(stage.proxy, { name: FAULT, arm, pods });
}
