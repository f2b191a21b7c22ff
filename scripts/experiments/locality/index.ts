// Takes the server on a client's own node away, and gives one back, in arms that prefer the own node in different ways.
import { durationOption, integer, positiveDurationOption } from '../../common/options.ts';
import { deletePodsFault, type Fault } from '../../faults/index.ts';
import type { Stage } from '../../stage/index.ts';
import type { Experiment, Plan } from '../experiment.ts';
import { RETRY_UNAVAILABLE } from '../load.ts';
import { deadlineOption, rateOption, seedOption, warmupOption } from '../options.ts';
import { judgeLocality } from './judge.ts';
import { type Parameters, parametersOf, refuseWhatTellsNothing } from './parameters.ts';
import { CONTROL, describeWays, type Way, waysOf } from './ways.ts';

const locality: Experiment = {
  name: 'locality',
  order: 100,
  question: 'Do calls stay on the own node, and what happens when the local pod goes?',
  about: [
    'Four arms have clients on all nodes and servers on some of them, and lose a',
    'server that was on the node of a client: prefer-same-node, a policy of',
    'grpc-kit, with kubernetes:/// targets; traffic-distribution and',
    'internal-traffic-policy, what Kubernetes does for a ClusterIP, with bare',
    'grpc-js.',
    'The control, dns-one-tier, has the same policy with a DNS target, which knows no',
    'nodes: its calls go to all servers.',
  ].join('\n'),
  use: [
    'Where calls should stay on the node, use a policy that knows nodes',
    '(prefer_same_node of grpc-kit) over endpoints that tell them;',
    'trafficDistribution is decided once for each connection, and',
    'internalTrafficPolicy: Local fails where there is no local pod.',
  ].join('\n'),
  figures: ['requests-prefer-same-node', 'requests-dns-one-tier'],
  options: (command) => {
    const own = command
      .option('--servers <n>', 'server replicas of each arm, on as many nodes', integer(2, 50), 2)
      .option('--clients <n>', 'client pods of each arm, on as many nodes', integer(2, 50), 3)
      .addOption(rateOption(30))
      .option('--burst <n>', 'calls that a client starts at once', integer(1, 1000), 1)
      .addOption(durationOption('--latency', 'that servers add to each call', '100ms'))
      .addOption(positiveDurationOption('--ready-after', 'that a pod takes to get Ready', '4s'))
      .addOption(deadlineOption(5))
      .addOption(warmupOption(10))
      .addOption(durationOption('--window', 'observation when the pod is back', '15s'))
      .addOption(seedOption());
    return { command: own, plan: () => plan(parametersOf(own.opts())) };
  },
};
export default locality;

/** Many clients at low rates: what one client at a high rate asks for would be more than nodes have. */
const CLIENT_CPU = '100m';

function plan(parameters: Parameters): Plan {
  refuseWhatTellsNothing(parameters);
  const ways = waysOf(parameters);
  return {
    parameters,
    prediction: describeWays(ways),
    arms: ways.map(({ name, service }) => ({
      name,
      servers: parameters.servers,
      clients: parameters.clients,
      serverEnv: {
        GRPC_MAX_CONNECTION_AGE_MS: undefined,
        INITIAL_LATENCY_MS: parameters.latencyMs.toString(),
        READY_AFTER_MS: parameters.readyAfterMs.toString(),
        // Deleted, it is to end at once, with calls in flight.
        DRAIN: 'none',
      },
      service,
      spread: 'strict',
      clientCpu: CLIENT_CPU,
    })),
    run: (stage) => run(stage, parameters, ways),
    judge: (history) => judgeLocality(history, parameters, ways),
  };
}

async function run(stage: Stage, parameters: Parameters, ways: readonly Way[]): Promise<void> {
  const { ratePerSecond, burst, deadlineMs } = parameters;
  const clients = new Map(ways.map(({ name, client }) => [name as string, client]));
  await stage.startWorkloads(
    (arm) => ({
      target: '',
      ...clients.get(arm),
      ratePerSecond,
      burst,
      deadlineMs,
      retry: RETRY_UNAVAILABLE,
    }),
    { spreadMs: parameters.startSpreadMs, dnsName: (arm) => `greeter-headless-${arm}` },
  );
  await stage.observe('warm-up', parameters.warmupMs);
  await stage.observe('baseline', parameters.baselineMs);
  await stage.inject([ways.flatMap(({ name }) => faultOf(stage, name))], parameters.servers);
  await stage.observe('window', parameters.windowMs);
  await stage.readLogs(CONTROL);
}

/**
 * The least that leaves a pod in the API until its process has ended. Without any it is gone at once, and goes on to
 * answer who is connected until its node hears of it.
 */
const GRACE_SECONDS = 1;

/** One server that is on a client's node goes. */
function faultOf(stage: Stage, arm: string): Fault[] {
  const nodes = new Set(stage.clients(arm).map(({ node }) => node));
  const local = stage.servers(arm).find(({ node }) => node !== undefined && nodes.has(node));
  return local ? [deletePodsFault(stage.api, { arm, pods: [local.pod], graceSeconds: GRACE_SECONDS })] : [];
}
