// Where a diagnosis is made: on a lab, or on a cluster of the user's own; and what is asked there.
import type { KubeConfig } from '@kubernetes/client-node';
import {
  type ContextOptions,
  chooseProvider,
  connect,
  kubeConfigOf,
  labNamed,
  NAMESPACE,
  type ProviderChoice,
  readToken,
} from '../cluster/index.ts';
import { LabError } from '../common/errors.ts';
import type { Question } from './facts.ts';
import { QuestionSchema } from './facts-file.ts';
import type { Access } from './gather/index.ts';

/** What was said on the command line. */
export type Asked = {
  namespace?: string | undefined;
  service?: string | undefined;
  client?: Pick<Question['client'], 'kind' | 'name'> | undefined;
  clientNamespace?: string | undefined;
};

export type Place = {
  kubeConfig: KubeConfig;
  /** Of the control endpoints of the client's pods, where those are the lab's. */
  controlToken?: (access: Access) => Promise<string>;
  question: (access: Access, asked: Asked) => Promise<Question>;
};

export const askedOf = ({ namespace, service, client, clientNamespace }: Asked): Asked => ({
  namespace,
  service,
  client,
  clientNamespace,
});

/** ConfigMap in which an incident on the lab leaves the question that a person would ask: `data.question`, JSON. */
const INCIDENT = 'incident';

const LAB_QUESTION: Question = {
  namespace: NAMESPACE,
  service: 'greeter-headless',
  client: { kind: 'Deployment', name: 'greeter-client', namespace: NAMESPACE },
};

/** @throws LabError `prerequisite` when it is not up: a diagnosis brings nothing up. */
export async function onLab(name: string, asked: ProviderChoice): Promise<Place> {
  const lab = labNamed(name);
  const { provider } = await chooseProvider(lab, asked);
  const ownership = await provider.ownership(lab);
  if (ownership !== 'ours') {
    const what = {
      absent: `there is no lab "${name}"`,
      partial: `the lab "${name}" is not up: a lab:up was cut off, or the cluster has died`,
      foreign: `there is a cluster "${name}" that this lab did not make`,
    }[ownership];
    throw new LabError('prerequisite', what, {
      hint: 'npm run lab:up makes one. For a cluster of your own: --context, --namespace, --service and --client.',
    });
  }
  const api = connect(lab.kubeconfig);
  return {
    kubeConfig: api.kubeConfig,
    controlToken: ({ audit }) => {
      audit.push({ verb: 'get', resource: 'secrets', namespace: NAMESPACE, name: 'lab-token' });
      return readToken(api);
    },
    question: async (access, typed) => {
      const said = [typed.namespace, typed.service, typed.client, typed.clientNamespace];
      const isTyped = said.some((each) => each !== undefined);
      return isTyped ? completed(typed, LAB_QUESTION) : ((await incidentQuestion(access)) ?? LAB_QUESTION);
    },
  };
}

/** @throws LabError `usage` when there is no such context. */
export const onContext = (options: ContextOptions): Place => ({
  kubeConfig: kubeConfigOf(options),
  question: async (_, asked) => completed(asked),
});

function completed(asked: Asked, otherwise?: Question): Question {
  const namespace = asked.namespace ?? otherwise?.namespace;
  const client = asked.client ?? otherwise?.client;
  if (namespace === undefined || client === undefined)
    throw new LabError('usage', 'it must be said which client is meant, and in which namespace');
  return {
    namespace,
    service: asked.service ?? otherwise?.service,
    client: { kind: client.kind, name: client.name, namespace: asked.clientNamespace ?? namespace },
  };
}

/** Undefined where there is none, or none that can be read. */
async function incidentQuestion(access: Access): Promise<Question | undefined> {
  try {
    const { data } = await access.get('configmaps', INCIDENT, NAMESPACE);
    return QuestionSchema.parse(JSON.parse(data?.question ?? ''));
  } catch {
    access.interrupted.throwIfAborted();
    return undefined;
  }
}
