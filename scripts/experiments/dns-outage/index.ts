// Breaks the cluster's DNS while some clients are connected, and lets others begin.
import { Option } from '@commander-js/extra-typings';
import { DNS_FAILURES } from '../../cluster/index.ts';
import { durationOption, integer, positiveDurationOption } from '../../common/options.ts';
import { dnsFault } from '../../faults/index.ts';
import type { Stage } from '../../stage/index.ts';
import type { Experiment, Plan } from '../experiment.ts';
import { deadlineOption, rateOption, seedOption, warmupOption } from '../options.ts';
import {
  type ArmName,
  BROKEN,
  CONNECTED,
  clientOf,
  describeArms,
  LATE,
  MENDED,
  plansOf,
  SERVERS,
  serviceOf,
} from './arms.ts';
import { judgeDnsOutage } from './judge.ts';
import { failureOf, type Parameters, parametersOf, refuseWhatTellsNothing } from './parameters.ts';

const dnsOutage: Experiment = {
  name: 'dns-outage',
  order: 82,
  question: "When the cluster's DNS is broken, who notices?",
  about: [
    'DNS is down, answers everything with an error, or is slow (--by). Three clients',
    'are connected: one for good (connected), one to servers that end its',
    'connections (max-age), one that asks DNS all the time (poll, grpc-kit). Four',
    'begin while it is broken: with a DNS name (late), polling it (late-poll), with a',
    'watch of the API (late-watch, grpc-kit), and with the address of a server',
    '(late-address, the control). Then DNS is mended.',
  ].join('\n'),
  use: [
    'Connected clients hide an outage of DNS: what fails is what begins, with',
    '"Name resolution failed". Alert on CoreDNS itself; roll nothing out, and restart',
    'no client that still works, before DNS is mended.',
  ].join('\n'),
  figures: ['requests-connected', 'requests-late'],
  options: (command) => {
    const own = command
      .addOption(
        new Option('--by <failure>', 'what DNS does meanwhile')
          .choices(DNS_FAILURES)
          .default('SERVFAIL' as const),
      )
      .addOption(positiveDurationOption('--delay', 'of each answer, with --by slow', '3s'))
      .addOption(positiveDurationOption('--hold', 'that it does so', '15s'))
      .option('--servers <n>', 'server replicas, of each of two groups', integer(1, 10), 2)
      .addOption(positiveDurationOption('--max-connection-age', 'of the servers of max-age', '4s'))
      .addOption(
        durationOption('--dns-floor', "least time between two DNS resolutions; grpc-js's own is 30s", '1s'),
      )
      .addOption(rateOption(40))
      .addOption(deadlineOption())
      .addOption(warmupOption(5))
      .addOption(seedOption());
    return { command: own, plan: () => plan(parametersOf(own.opts())) };
  },
};
export default dnsOutage;

function plan(parameters: Parameters): Plan {
  refuseWhatTellsNothing(parameters);
  return {
    parameters,
    prediction: describeArms(parameters),
    arms: plansOf(parameters),
    run: (stage) => run(stage, parameters),
    judge: (history) => judgeDnsOutage(history, parameters),
  };
}

async function run(stage: Stage, parameters: Parameters): Promise<void> {
  const { holdMs, startSpreadMs: spreadMs } = parameters;
  const clientsOf = (names: readonly ArmName[]) => (arm: string) => {
    const name = names.find((each) => each === arm);
    return name && clientOf(name, parameters, stage.servers(SERVERS)[0]?.ip);
  };
  await stage.startWorkloads(clientsOf(CONNECTED), { spreadMs, dnsName: (arm) => serviceOf(arm as ArmName) });
  await stage.observe('warm-up', parameters.warmupMs);
  await stage.observe('baseline', parameters.baselineMs);
  const dns = dnsFault(stage.api, { arm: SERVERS, ...failureOf(parameters) });
  await stage.during(BROKEN, [dns], holdMs, () => stage.startWorkloads(clientsOf(LATE), { spreadMs }));
  await stage.observe(MENDED, parameters.windowMs);
  await stage.readLogs('poll');
}
