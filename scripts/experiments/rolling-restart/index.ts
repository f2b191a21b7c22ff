// Restarts Deployments pod by pod under load; servers end in several ways, clients find the new ones in several ways.
import { nowMs } from '../../common/clock.ts';
import { duration, durationOption, integer, positiveDurationOption } from '../../common/options.ts';
import { rolloutRestartFault } from '../../faults/index.ts';
import type { Stage } from '../../stage/index.ts';
import type { Experiment, Plan } from '../experiment.ts';
import { deadlineOption, rateOption, seedOption } from '../options.ts';
import { describeArms, plansOf, type RestartArm, restartArms, restartOrder } from './arms.ts';
import { judgeRestart } from './judge.ts';
import { type Parameters, parametersOf, refuseWhatTellsNothing, SHORTEST_MS } from './parameters.ts';

const rollingRestart: Experiment = {
  name: 'rolling-restart',
  order: 70,
  question: 'What does it take for a rolling restart to lose no call?',
  about: [
    'Deployments of greeter-server are restarted as by kubectl rollout restart.',
    'no-drain (the control) and force end at SIGTERM, force after cutting its',
    'connections; drain serves on until new pods are Ready; slow-ready drains too,',
    'but its new pods are slow to get Ready. Clients are bare grpc-js with a',
    'retryPolicy, but for …-no-retry; slow-ready-floor-1s resolves again after 1s,',
    'slow-ready-watch watches the API (kubernetes:///): they call the servers of the',
    'arm that they are named after, and so see the same restart. slow-ready-surge has',
    'a Deployment with maxUnavailable 0. Nothing else ends connections: no max age.',
  ].join('\n'),
  use: [
    'Drain upon SIGTERM: say NOT_SERVING, serve on, then end what is left. Serve on',
    'for longer than new pods take to get Ready, or see to it that clients learn of',
    'new pods sooner (a lower DNS floor, a watch), or keep old pods until new ones',
    'are Ready (maxUnavailable 0). And retry on UNAVAILABLE.',
  ].join('\n'),
  figures: ['errors-no-drain-no-retry', 'requests-slow-ready', 'requests-slow-ready-watch'],
  options: (command) => {
    const own = command
      .option('--servers <n>', 'server replicas of each Deployment', integer(2, 10), 2)
      .option('--max-surge <n>', 'pods of a rollout above --servers', integer(0, 10), 1)
      .option('--max-unavailable <n>', 'pods of a rollout that may be missing', integer(0, 10), 1)
      .addOption(durationOption('--drain', 'how long servers of drain serve on after SIGTERM', '15s'))
      .addOption(durationOption('--short-drain', 'how long slow servers do', '4s'))
      .addOption(positiveDurationOption('--ready-after', 'that slow servers take to get Ready', '8s'))
      .addOption(durationOption('--dns-floor', 'least time between two DNS resolutions of a channel', '30s'))
      .addOption(rateOption(30))
      .option('--burst <n>', 'calls that a client starts at once', integer(1, 1000), 2)
      .addOption(durationOption('--latency', 'that servers add to each call', '100ms'))
      .addOption(deadlineOption())
      .option(
        '--warmup <duration>',
        'load before the baseline is taken; default: until the DNS floor is over',
        duration,
      )
      .option(
        '--window <duration>',
        'observation from the last restart on; default: until the DNS floor is over',
        duration,
      )
      .addOption(seedOption());
    return { command: own, plan: () => plan(parametersOf(own.opts())) };
  },
};
export default rollingRestart;

function plan(parameters: Parameters): Plan {
  refuseWhatTellsNothing(parameters);
  const arms = restartArms(parameters);
  return {
    parameters,
    prediction: describeArms(parameters, arms),
    arms: plansOf(parameters, arms),
    run: (stage) => run(stage, parameters, arms),
    judge: (history) => judgeRestart(history, parameters, arms),
  };
}

async function run(stage: Stage, parameters: Parameters, arms: readonly RestartArm[]): Promise<void> {
  const { servers, ratePerSecond, burst, deadlineMs } = parameters;
  const clients = new Map(arms.map(({ name, client }) => [name, client]));
  const owners = new Set(arms.map((arm) => arm.servers.of));
  await stage.startWorkloads(
    (arm) => ({ target: '', ...clients.get(arm), ratePerSecond, burst, deadlineMs }),
    {
      spreadMs: parameters.startSpreadMs,
      dnsName: (arm) => (owners.has(arm) ? `greeter-headless-${arm}` : undefined),
    },
  );
  await stage.observe('warm-up', parameters.warmupMs);
  await stage.observe('baseline', parameters.baselineMs);
  const [sudden, drained] = restartOrder(arms).map((group) =>
    group.map((arm) => rolloutRestartFault(stage.api, { arm, deployment: `greeter-server-${arm}` })),
  );
  await stage.inject([sudden ?? []], servers);
  // Pods that have just started take CPU for some seconds more.
  await stage.observe('between the restarts', SHORTEST_MS);
  const restartedMs = nowMs();
  await stage.inject([drained ?? []], servers);
  const observedMs = nowMs() - restartedMs;
  await stage.observe('window', Math.max(SHORTEST_MS, parameters.windowMs - observedMs));
}
