// Watches what a pod's resolver answers while the pods behind the names come, go and change readiness.
import { Option } from '@commander-js/extra-typings';
import { GRPC_PORT } from '../../../services/protocol/index.ts';
import { durationOption, integer, positiveDurationOption } from '../../common/options.ts';
import { deletePodsFault, notServingFault, scaleFault } from '../../faults/index.ts';
import type { Stage } from '../../stage/index.ts';
import type { Experiment, Plan } from '../experiment.ts';
import { seedOption } from '../options.ts';
import { judgeDns } from './judge.ts';
import { ARM, describeNames, type Fact, FURTHER_SERVICES, factsOf, WATCHED } from './names.ts';
import { type Parameters, parametersOf, refuseWhatTellsNothing } from './parameters.ts';

const dns: Experiment = {
  name: 'dns',
  order: 50,
  question: "What does a pod's resolver answer while pods come, go and change readiness?",
  about: [
    'A client asks its resolver four times a second for the names of three Services',
    'of the same pods: headless, headless with publishNotReadyAddresses, and one with',
    'a ClusterIP (the control). Pods are added, one is not Ready for a while, one is',
    'deleted without grace, all go and some come back.',
    'The answer is held against the EndpointSlices as the API tells of them. And some',
    'questions are asked once: what a headless Service makes of port → targetPort,',
    'what SRV records tell, whether an answer that is too large for one UDP packet',
    'comes whole, whether a headless Service can be of type NodePort (on kind), and',
    'what is left when there is no pod at all.',
    'The client also makes some calls, as a pulse: how they end is no matter.',
  ].join('\n'),
  use: [
    'Do not expect DNS to tell more than addresses: a headless Service maps no',
    'ports, so dial the port that the pod listens on, or ask for SRV records. Let',
    'clients outlive NXDOMAIN: that there is no endpoint is an answer too. Allow TCP',
    'to port 53 beside UDP where NetworkPolicies allow DNS: the answer of a headless',
    'Service with some thirty pods needs it. And do not expect a port of the nodes:',
    'Kubernetes refuses a headless Service of type NodePort.',
    'publishNotReadyAddresses is for peers that must find each other, not for',
    'callers.',
  ].join('\n'),
  figures: ['plot-1'],
  options: (command) => {
    const own = command
      .option('--from <n>', 'server replicas before', integer(1, 20), 2)
      .option('--to <n>', 'server replicas after', integer(2, 20), 4)
      .addOption(
        new Option('--readiness-probe <switch>', 'of the servers')
          .choices(['on', 'off'] as const)
          .default('on' as const),
      )
      .addOption(
        positiveDurationOption('--bound', "from a change of the EndpointSlices to the client's answer", '2s'),
      )
      .addOption(durationOption('--settle', 'that is watched after each change', '4s'))
      .addOption(seedOption());
    return { command: own, plan: (capabilities) => plan(parametersOf(own.opts()), factsOf(capabilities)) };
  },
};
export default dns;

/** So that a pod that is not Ready is found out soon. */
const READINESS_PROBE = {
  grpc: { port: GRPC_PORT },
  periodSeconds: 1,
  timeoutSeconds: 5,
  failureThreshold: 1,
};
/** That it takes, and for the API to tell. */
const FOUND_OUT_MS = 2000;

function plan(parameters: Parameters, facts: readonly Fact[]): Plan {
  refuseWhatTellsNothing(parameters);
  return {
    parameters,
    prediction: describeNames(parameters),
    arms: [
      {
        name: ARM,
        servers: parameters.from,
        clients: 1,
        serverEnv: { GRPC_MAX_CONNECTION_AGE_MS: undefined },
        serverProbes: { readinessProbe: parameters.readinessProbe === 'on' ? READINESS_PROBE : null },
        furtherServices: FURTHER_SERVICES,
      },
    ],
    run: (stage) => run(stage, parameters, facts),
    judge: (history) => judgeDns(history, parameters, facts),
  };
}

async function run(stage: Stage, parameters: Parameters, facts: readonly Fact[]): Promise<void> {
  const probe = (when: Fact['when']) =>
    probeAll(
      stage,
      facts.filter((fact) => fact.when === when),
    );
  const { from, to, settleMs, ratePerSecond, deadlineMs } = parameters;
  const target = `dns:///${WATCHED['cluster-ip']}:${GRPC_PORT}`;
  await stage.startWorkloads(() => ({ target, ratePerSecond, deadlineMs }), { spreadMs: 0 });
  for (const name of Object.values(WATCHED)) await stage.watchDns(ARM, name);
  await stage.observe('baseline', settleMs);
  await probe('pods');

  const scale = (before: number, after: number) =>
    stage.inject(
      [scaleFault(stage.api, { arm: ARM, deployment: `greeter-server-${ARM}`, from: before, to: after })],
      after,
    );
  await scale(from, to);
  await stage.observe('scaled-out', settleMs);

  const [first, second] = stage.servers(ARM).map(({ pod }) => pod);
  await stage.during('one-not-ready', [notReady(stage, first ?? '')], FOUND_OUT_MS + settleMs);
  await stage.observe('ready-again', FOUND_OUT_MS + settleMs);

  await stage.inject([deletePodsFault(stage.api, { arm: ARM, pods: [second ?? ''], graceSeconds: 0 })], to);
  await stage.observe('one-deleted', settleMs);

  await scale(to, 0);
  await stage.observe('scaled-to-zero', settleMs);
  await probe('none');

  await scale(0, from);
  await stage.observe('scaled-back', settleMs);
}

const notReady = (stage: Stage, pod: string) => notServingFault(stage.proxy, { arm: ARM, pods: [pod] });

async function probeAll(stage: Stage, facts: readonly Fact[]): Promise<void> {
  for (const fact of facts) {
    if (fact.kind === 'dry-run') await stage.dryRun(ARM, fact.object);
    else if (fact.kind === 'tcp') await stage.probeTcp(ARM, { host: fact.host, port: fact.port });
    else await stage.probeDns(ARM, { name: fact.name, type: fact.type });
  }
}
