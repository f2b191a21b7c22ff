// Lets connections age under calls and streams that take longer than they may.
import { Option } from '@commander-js/extra-typings';
import { durationOrOff, positiveDurationOption } from '../../common/options.ts';
import type { Stage } from '../../stage/index.ts';
import type { Experiment, Plan } from '../experiment.ts';
import { seedOption } from '../options.ts';
import { type Arm, armsOf, describeArms, workloadOf } from './arms.ts';
import { judgeGraceful } from './judge.ts';
import { type Parameters, parametersOf, refuseWhatTellsNothing } from './parameters.ts';

const graceful: Experiment = {
  name: 'graceful',
  order: 60,
  question: 'What becomes of a call, and of an open stream, when its connection is too old?',
  about: [
    'Calls that take --call go to a server whose connections may be',
    '--max-connection-age old (no-grace), and to one that gives them --grace to end',
    'after that: one call on each connection (grace), or many (grace-many). Streams',
    'of the health service, which nobody ends, are open to the same two servers',
    '(stream, stream-grace). Arms with the same server share its CPU and nothing',
    'else. In the control, no-age, connections do not age.',
  ].join('\n'),
  use: [
    'Give the max connection age a grace above your longest call, and end streams',
    'yourself before it: without a grace a stream keeps its old connection for',
    'ever, with one it is cut. Callers have to take UNAVAILABLE of a cut call as',
    'theirs to repeat.',
  ].join('\n'),
  figures: ['plot-1'],
  options: (command) => {
    const own = command
      .addOption(positiveDurationOption('--max-connection-age', 'of all servers but that of no-age', '10s'))
      .addOption(
        new Option('--grace <duration>', 'max connection age grace of grace and stream-grace, or off')
          .argParser(durationOrOff)
          .default(2000, '2s'),
      )
      .addOption(positiveDurationOption('--call', 'that each call takes', '15s'))
      .addOption(seedOption());
    return { command: own, plan: () => plan(parametersOf(own.opts())) };
  },
};
export default graceful;

function plan(parameters: Parameters): Plan {
  refuseWhatTellsNothing(parameters);
  const arms = armsOf(parameters);
  return {
    parameters,
    prediction: describeArms(parameters, arms),
    arms: arms.map(({ name, serversOf, ageMs, graceMs }) => ({
      name,
      servers: serversOf === undefined ? 1 : 0,
      clients: 1,
      serversOf,
      serverEnv: {
        GRPC_MAX_CONNECTION_AGE_MS: ageMs?.toString(),
        GRPC_MAX_CONNECTION_AGE_GRACE_MS: graceMs?.toString(),
        INITIAL_LATENCY_MS: parameters.callMs.toString(),
      },
    })),
    run: (stage) => run(stage, parameters, arms),
    judge: (history) => judgeGraceful(history, parameters, arms),
  };
}

async function run(stage: Stage, parameters: Parameters, arms: readonly Arm[]): Promise<void> {
  const names = arms.map(({ name }) => name);
  const byName = new Map(arms.map((arm) => [arm.name as string, arm]));
  await stage.startWorkloads(
    (name) => {
      const arm = byName.get(name);
      return arm && workloadOf(arm, parameters);
    },
    {
      spreadMs: parameters.startSpreadMs,
      dnsName: (name) => `greeter-headless-${byName.get(name)?.serversOf ?? name}`,
    },
  );
  await stage.observe('connected', parameters.connectedMs);
  await stage.readSockets(names);
  await stage.observe('window', parameters.windowMs);
  await stage.readSockets(names);
}
