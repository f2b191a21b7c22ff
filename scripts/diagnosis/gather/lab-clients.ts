// What the lab's own clients tell of themselves, and the way of their calls, tried from where they are.
import { z } from 'zod';
import {
  PathProbeAnswer,
  type PathProbeRequest,
  ProcessAnswer,
  type SocketsAnswer,
  type WorkloadSpec,
  type WorkloadStatus,
} from '../../../services/protocol/index.ts';
import type { ClientFacts, ClusterObjects, Probe, Question } from '../facts.ts';
import type { Target } from '../targets.ts';
import { isOfClient } from './client.ts';
import type { Control } from './control.ts';
import type { Look } from './look.ts';
import { requestOfQuestion, requestOfWorkload } from './path-request.ts';

const MOST_PODS = 3;

/** What is relied on here; the rest is the rules' matter. */
const Statuses = z.array(z.looseObject({ id: z.string(), running: z.boolean() }));
const Spec = z.looseObject({ id: z.string(), target: z.string() });
const Sockets = z.looseObject({ states: z.record(z.string(), z.number()) });

type Told = { clients: ClientFacts[]; probes: Probe[] };

/** Asks up to three of the client's pods that run. */
export async function askClients(
  control: Control,
  look: Look,
  question: Question,
  gathered: { objects: ClusterObjects; targets: readonly Target[] },
): Promise<Told> {
  const running = gathered.objects.pods.filter(
    (pod) => isOfClient(pod, question) && pod.status?.phase === 'Running' && !pod.metadata?.deletionTimestamp,
  );
  if (running.length === 0)
    look.unseen.push({ what: 'the way of a call from the client', why: 'none of its pods runs' });
  const each = await Promise.all(
    running.slice(0, MOST_PODS).map(async ({ metadata }): Promise<Told> => {
      const pod = metadata?.name ?? '';
      const client = await tell(control, look, pod);
      const requests = requestsOf(client, gathered, question);
      const answers = await Promise.all(
        requests.map((body) =>
          look.attempt(`the way to ${body.host}:${body.port} from ${pod}`, () =>
            control<PathProbeAnswer>(pod, { path: '/probes/path', body, shape: PathProbeAnswer }),
          ),
        ),
      );
      const probes = answers.flatMap((answer) =>
        answer ? [{ from: { pod, place: 'client' as const }, answer }] : [],
      );
      return { clients: [client], probes };
    }),
  );
  return {
    clients: each.flatMap(({ clients }) => clients),
    probes: each.flatMap(({ probes }) => probes),
  };
}

async function tell(control: Control, look: Look, pod: string): Promise<ClientFacts> {
  const ask = <T>(what: string, path: string, shape: z.ZodType) =>
    look.attempt(`${what} of ${pod}`, () => control<T>(pod, { path, shape }));
  const [statuses = [], sockets, process] = await Promise.all([
    ask<WorkloadStatus[]>('the workloads', '/workloads', Statuses),
    ask<SocketsAnswer>('the sockets', '/sockets', Sockets),
    ask<ProcessAnswer>('the process', '/process', ProcessAnswer),
  ]);
  const workloads = await Promise.all(
    statuses.map(async (status) => {
      const path = `/workloads/${encodeURIComponent(status.id)}/spec`;
      const spec = await ask<WorkloadSpec>(`the settings of the workload ${status.id}`, path, Spec);
      return spec && { spec, status };
    }),
  );
  return { pod, workloads: workloads.filter((each) => each !== undefined), sockets, process };
}

/** Each different way once. */
function requestsOf(
  { workloads }: ClientFacts,
  { objects, targets }: { objects: ClusterObjects; targets: readonly Target[] },
  question: Question,
): PathProbeRequest[] {
  const running = workloads.filter(({ status }) => status.running);
  const requests =
    running.length > 0
      ? running.map(({ spec }) => requestOfWorkload(spec, objects, question))
      : [requestOfQuestion(targets, objects, question)];
  const once = new Map(
    requests.filter((each) => each !== undefined).map((each) => [JSON.stringify(each), each]),
  );
  return [...once.values()];
}
