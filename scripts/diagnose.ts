// npm run diagnose – names the cause of an incident: on the lab, on any cluster, or from facts that were saved.
import { InvalidArgumentError } from '@commander-js/extra-typings';
import { stringify } from 'yaml';
import { DEFAULT_LAB, PROVIDERS } from './cluster/index.ts';
import { main, say } from './common/cli.ts';
import { EXIT, LabError, messageOf } from './common/errors.ts';
import { jsonOption, labCommand, providerOption, refuseMisuse } from './common/options.ts';
import { runSteps } from './common/steps.ts';
import { paint } from './common/terminal.ts';
import {
  type Access,
  answerOf,
  askedOf,
  checkQuestion,
  describeAnswer,
  type Facts,
  gatherFacts,
  judge,
  onContext,
  onLab,
  type Place,
  type Question,
  readFacts,
  readingAccess,
  withProbe,
  writeFacts,
} from './diagnosis/index.ts';
import { runFolder } from './report/index.ts';

const PROBE_IMAGE = 'grpc-kind-lab/greeter-client:dev';
const KINDS = {
  deploy: 'Deployment',
  deployment: 'Deployment',
  deployments: 'Deployment',
  sts: 'StatefulSet',
  statefulset: 'StatefulSet',
  statefulsets: 'StatefulSet',
  ds: 'DaemonSet',
  daemonset: 'DaemonSet',
  daemonsets: 'DaemonSet',
} as const;

const command = labCommand(
  'diagnose',
  'Say why the calls of a client fail, or go where they should not, with the evidence\nand the fix: on the lab, or on any cluster with --context. It only reads.',
)
  .option('--name <name>', 'name of the lab', DEFAULT_LAB)
  .addOption(providerOption(PROVIDERS))
  .option('--context <context>', 'a cluster of your own, by its context')
  .option('--kubeconfig <file>', 'where contexts are looked up; default: KUBECONFIG, or ~/.kube/config')
  .option('--namespace <namespace>', 'of the Service')
  .option('--service <service>', 'that is called; default: what the client dials')
  .option('--client <workload>', 'that calls: deploy/NAME, sts/NAME or ds/NAME', workload)
  .option('--client-namespace <namespace>', "of the client; default: the Service's")
  .option('--probe', 'let one short-lived pod beside the client try the way of a call')
  .option('--probe-image <image>', 'of that pod: greeter-client, where the cluster can pull it', PROBE_IMAGE)
  .option('--facts <file>', 'no cluster: judge facts that were saved')
  .option('--write-facts <file>', 'write the facts')
  .addOption(jsonOption())
  .addHelpText(
    'after',
    '\nExit code: 0 healthy, 1 a cause is named, 3 it could not tell, 2 usage.\n\nnpm run diagnose -- --context prod --namespace shop \\\n  --service greeter --client deploy/web',
  )
  .parse();

await main(async (signal) => {
  refuseMisuse(command, 'diagnose');
  refuseContradictions();
  try {
    return await diagnose(signal);
  } catch (error) {
    throw asUnknown(error);
  }
});

async function diagnose(signal: AbortSignal): Promise<number> {
  const options = command.opts();
  const { facts, file } = options.facts
    ? { facts: await readFacts(options.facts), file: options.facts }
    : await gathered(signal);
  if (options.writeFacts) await writeFacts(options.writeFacts, facts);
  const diagnosis = judge(facts);
  const answer = answerOf(diagnosis, facts.unseen, options.writeFacts ?? file);
  const text = options.json
    ? JSON.stringify(answer, null, 2)
    : describeAnswer(answer, facts.question, process.stdout);
  process.stdout.write(`${text}\n`);
  return { healthy: EXIT.pass, cause: EXIT.fail, unknown: EXIT.unknown }[diagnosis.verdict];
}

/** Of this command 1 says that a cause is named: whatever goes wrong in it is that it could not tell. */
function asUnknown(error: unknown): unknown {
  if (error instanceof LabError && error.code !== 'failed') return error;
  const own = 'This is a fault of the lab itself; --debug shows where.';
  const hint = error instanceof LabError ? error.hint : own;
  const lost = new LabError('lost', messageOf(error), { ...(hint ? { hint } : {}), cause: error });
  return Object.assign(lost, { stack: (error as Error).stack });
}

/** @returns the facts, and the file that they are kept in, if any. */
async function gathered(signal: AbortSignal): Promise<{ facts: Facts; file?: string }> {
  const options = command.opts();
  const place: Place = isOwn() ? onContext(options) : await onLab(options.name, options.provider ?? 'auto');
  const access = await readingAccess(place.kubeConfig, { signal });
  const seen = await lookAt(place, access, signal);
  const facts = options.probe ? await probed(seen, access) : seen;
  if (options.debug)
    for (const { verb, resource, namespace = '', name = '' } of access.audit)
      say(`asked: ${[verb, resource, namespace, name].filter(Boolean).join(' ')}`);
  if (isOwn()) return { facts };
  const file = `${runFolder(`${facts.at.slice(0, 19).replaceAll(':', '')}-diagnose`)}/facts.json`;
  await writeFacts(file, facts);
  return { facts, file };
}

async function lookAt(place: Place, access: Access, signal: AbortSignal): Promise<Facts> {
  let question: Question | undefined;
  let facts: Facts | undefined;
  await runSteps(
    [
      {
        name: 'question',
        title: 'What is asked',
        run: async () => {
          question = await place.question(access, askedOf(command.opts()));
          await checkQuestion(access, question);
          const { service, client } = question;
          return `${client.kind} ${client.name} → ${service === undefined ? 'what it dials' : `Service ${service}`}`;
        },
      },
      {
        name: 'facts',
        title: 'Facts',
        after: ['question'],
        run: async (step) => {
          if (question === undefined) return undefined;
          facts = await gatherFacts(access, question, { controlToken: place.controlToken, say: step.say });
          const { objects, logs, probes, unseen } = facts;
          return `${objects.services.length} Services, ${objects.pods.length} pods, ${logs.length} logs, ${probes.length} probes; ${unseen.length} not seen`;
        },
      },
    ],
    signal,
  );
  if (facts === undefined) throw new Error('nothing was gathered');
  return facts;
}

/** Not a step: what is shown here is to be read before it is done. */
function probed(facts: Facts, access: Access): Promise<Facts> {
  return withProbe(access, facts, {
    image: command.opts().probeImage,
    show: (manifest) => say(`This pod is made, and removed again:\n${stringify(manifest)}`),
    warn: (text) => say(`${paint('yellow', 'warning:')} ${text}`),
    say: (text) => say(`  ${text}`),
  });
}

/** A cluster of the user's own. */
function isOwn(): boolean {
  const { context, kubeconfig } = command.opts();
  return context !== undefined || kubeconfig !== undefined;
}

function refuseContradictions(): void {
  const { facts, namespace, service, client, probe } = command.opts();
  const refuse = (message: string, hint: string) => {
    throw new LabError('usage', message, { hint });
  };
  if (facts !== undefined && (isOwn() || namespace || service || client || probe))
    refuse('--facts has its own question, and no cluster', 'Leave the others out.');
  if (isOwn() && (namespace === undefined || client === undefined))
    refuse(
      'it must be said which client is meant, and in which namespace',
      'For example: --namespace shop --service greeter --client deploy/web',
    );
  if (probe && !isOwn())
    refuse('--probe is for other clusters', 'On the lab greeter-client tries the way of a call itself.');
}

function workload(text: string): { kind: Question['client']['kind']; name: string } {
  const [first = '', second, ...more] = text.split('/');
  const kind = second === undefined ? 'Deployment' : KINDS[first.toLowerCase() as keyof typeof KINDS];
  const name = second ?? first;
  if (kind !== undefined && name !== '' && more.length === 0) return { kind, name };
  throw new InvalidArgumentError('Write it as deploy/NAME, sts/NAME or ds/NAME.');
}
