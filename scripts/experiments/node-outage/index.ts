// Takes a node with servers away from clients on another, and brings it back.
import { Option } from '@commander-js/extra-typings';
import { NAMESPACE, NODE_FAILURES } from '../../cluster/index.ts';
import { integer, positiveDurationOption } from '../../common/options.ts';
import { nodeFault } from '../../faults/index.ts';
import type { Stage } from '../../stage/index.ts';
import type { Experiment, Plan } from '../experiment.ts';
import { deadlineOption, rateOption, seedOption, warmupOption } from '../options.ts';
import { ARMS, AWAY, BACK, clientOf, describeArms, plansOf, SERVERS } from './arms.ts';
import { judgeNodeOutage } from './judge.ts';
import { chooseNode } from './node.ts';
import { type Parameters, parametersOf, refuseWhatTellsNothing } from './parameters.ts';

const nodeOutage: Experiment = {
  name: 'node-outage',
  order: 84,
  question: 'A node is lost: for how long are calls sent to the servers that were on it?',
  about: [
    'A node with servers is cut off from the network, or stops (--by); the clients',
    'are on another. They have connections with keepalive (keepalive) and without',
    '(no-keepalive, the control), a watch of the API (watch, grpc-kit), or a channel',
    'for each call by ClusterIP (fresh). Then the node comes back. Takes kind.',
  ].join('\n'),
  use: [
    'Kubernetes takes most of a minute to notice that a node is gone, and TCP a',
    'quarter of an hour. Set keepalive at clients that call all the time (their',
    'servers have to permit pings that often), and give every call a deadline.',
  ].join('\n'),
  figures: ['requests-keepalive', 'requests-no-keepalive'],
  options: (command) => {
    const own = command
      .addOption(
        new Option('--by <failure>', 'how the node is lost')
          .choices(NODE_FAILURES)
          .default('partition' as const),
      )
      .addOption(positiveDurationOption('--hold', 'that it is away', '65s'))
      .option('--servers <n>', 'server replicas, spread over the workers', integer(2, 10), 3)
      .addOption(positiveDurationOption('--keepalive', 'between two pings of one client', '5s'))
      .addOption(positiveDurationOption('--keepalive-timeout', 'for the answer to a ping', '2s'))
      .addOption(rateOption(30))
      .option('--fresh-rate <n>', 'calls a second of the client with a channel for each', integer(1, 100), 10)
      .addOption(deadlineOption())
      .addOption(warmupOption(3))
      .addOption(seedOption());
    return { command: own, plan: () => plan(parametersOf(own.opts())) };
  },
};
export default nodeOutage;

function plan(parameters: Parameters): Plan {
  refuseWhatTellsNothing(parameters);
  return {
    parameters,
    prediction: describeArms(parameters),
    arms: plansOf(parameters),
    needs: ['stop-nodes'],
    run: (stage) => run(stage, parameters),
    judge: (history) => judgeNodeOutage(history, parameters),
  };
}

async function run(stage: Stage, parameters: Parameters): Promise<void> {
  const { by, holdMs, startSpreadMs: spreadMs } = parameters;
  if (stage.nodes === undefined) throw new Error('nodes cannot be stopped here');
  const clients = ARMS.flatMap((arm) => stage.clients(arm));
  const chosen = await chooseNode(stage.api, { clients, servers: stage.servers(SERVERS) });
  const service = { namespace: NAMESPACE, name: `greeter-${SERVERS}` };
  const { clusterIP = '' } = (await stage.api.core.readNamespacedService(service)).spec ?? {};
  await stage.startWorkloads(
    (arm) => {
      const name = ARMS.find((each) => each === arm);
      return name && clientOf(name, parameters, clusterIP);
    },
    { spreadMs },
  );
  await stage.observe('warm-up', parameters.warmupMs);
  await stage.observe('baseline', parameters.baselineMs);
  const fault = nodeFault(stage.nodes, { arm: SERVERS, failure: by, ...chosen });
  await stage.during(AWAY, [fault], holdMs);
  await stage.allReady();
  await stage.observe(BACK, parameters.windowMs);
}
