// Calls the same servers in eight ways at once, and shows which pods answer.
import { Option } from '@commander-js/extra-typings';
import { ANSWERS } from '../../checks/index.ts';
import { durationOption, durationOrOff, integer } from '../../common/options.ts';
import type { Stage } from '../../stage/index.ts';
import type { Experiment, Plan } from '../experiment.ts';
import { deadlineOption, rateOption, seedOption, warmupOption } from '../options.ts';
import { judgeDistribution } from './judge.ts';
import { type Parameters, parametersOf, refuseWhatTellsNothing } from './parameters.ts';
import { describeSettings, HEADLESS_NAME, SERVERS, type Setting, settingsOf } from './settings.ts';

const distribution: Experiment = {
  name: 'distribution',
  order: 20,
  question: 'Which pods answer a client, by Service, policy and number of connections?',
  about: [
    'Eight clients call the same servers in the same minute: by ClusterIP or',
    'headless Service, with pick_first or round_robin, over one channel or over',
    'several with a subchannel pool, and so connections, of their own.',
    'A ClusterIP puts each connection on one pod, whatever the policy; only a',
    'headless Service with round_robin (the control) gives every pod its share.',
    'The arms share the servers and nothing else: at these rates no server is so',
    'busy that one client would notice another.',
  ].join('\n'),
  use: [
    'Decide where calls are balanced. Behind a ClusterIP it is per connection: with',
    'few connections some pods idle, whatever policy the client asks for. Dial a',
    'headless Service with round_robin, or put a proxy in between that balances',
    'calls.',
  ].join('\n'),
  figures: ['requests-headless-pick-first', 'requests-headless-round-robin'],
  options: (command) => {
    const own = command
      .option('--servers <n>', 'server replicas, which all arms call', integer(2, 15), 5)
      .option('--channels <n>', 'of the clients that have more than one', integer(2, 100), 25)
      .addOption(
        new Option('--subchannel-pool <pool>', 'of channels that are several')
          .choices(['own', 'shared'] as const)
          .default('own' as const),
      )
      .addOption(
        new Option('--max-connection-age <duration>', 'of the servers, or off')
          .argParser(durationOrOff)
          .default('off' as const),
      )
      .addOption(rateOption(50))
      .addOption(deadlineOption())
      .addOption(warmupOption(8))
      .addOption(durationOption('--window', 'in which calls are counted', '15s'))
      .addOption(seedOption());
    return { command: own, plan: () => plan(parametersOf(own.opts())) };
  },
};
export default distribution;

/** Many clients at low rates: what one client at a high rate asks for would be more than nodes have. */
const CLIENT_CPU = '100m';

function plan(parameters: Parameters): Plan {
  refuseWhatTellsNothing(parameters);
  const settings = settingsOf(parameters);
  const serverEnv = { GRPC_MAX_CONNECTION_AGE_MS: parameters.maxConnectionAgeMs?.toString() };
  return {
    parameters,
    prediction: describeSettings(parameters, settings),
    arms: [
      { name: SERVERS, servers: parameters.servers, clients: 0, serverEnv },
      ...settings.map(({ name }) => ({
        name,
        serversOf: SERVERS,
        servers: 0,
        clients: 1,
        serverEnv: {},
        clientCpu: CLIENT_CPU,
      })),
    ],
    run: (stage) => run(stage, parameters, settings),
    judge: (history) => judgeDistribution(history, parameters, settings),
  };
}

async function run(stage: Stage, parameters: Parameters, settings: readonly Setting[]): Promise<void> {
  const { ratePerSecond, burst, deadlineMs } = parameters;
  const byName = new Map(settings.map((setting) => [setting.name, setting]));
  await stage.startWorkloads(
    (arm) => {
      const setting = byName.get(arm);
      return setting && { ...setting.client, ratePerSecond, burst, deadlineMs };
    },
    {
      spreadMs: parameters.startSpreadMs,
      dnsName: (arm) => (byName.get(arm)?.service === 'headless' ? HEADLESS_NAME : undefined),
    },
  );
  await stage.observe('warm-up', parameters.warmupMs);
  for (const { name } of settings.filter(
    ({ spread, channels }) => spread === 'as-resolved' && channels > 1,
  )) {
    for (let asked = 0; asked < ANSWERS; asked += 1)
      await stage.probeDns(name, { name: HEADLESS_NAME, order: 'given' });
  }
  await stage.observe('baseline', parameters.windowMs);
  await stage.readSockets(settings.map(({ name }) => name));
}
