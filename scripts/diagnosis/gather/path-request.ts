// What is to be tried for a target: its name, and behind it the pods that its Service selects.
import type { PathProbeRequest, WorkloadSpec } from '../../../services/protocol/index.ts';
import type { ClusterObjects, Question } from '../facts.ts';
import { parseTarget, type Target } from '../targets.ts';
import { isSelected, portIn, serviceOf, servicesInQuestion } from './services.ts';

type Dialled = Pick<Target, 'host' | 'port' | 'scheme'>;

const MOST_FURTHER = 20;

/** Of a workload's target. Undefined where it cannot be read. */
export function requestOfWorkload(
  spec: WorkloadSpec,
  objects: ClusterObjects,
  question: Question,
): PathProbeRequest | undefined {
  const target = parseTarget(spec.target, true);
  if (!target) return undefined;
  const { methodPath } = spec as WorkloadSpec & { methodPath?: string };
  return {
    ...requestFor(target, objects, question),
    ...(spec.tls ? { tls: { ca: spec.tls.ca } } : {}),
    ...(methodPath === undefined || spec.method === 'health-watch' ? {} : { method: methodPath }),
  };
}

/** Of a client that tells nothing: what leads to the Service that is asked about, else the Service itself. */
export function requestOfQuestion(
  targets: readonly Target[],
  objects: ClusterObjects,
  question: Question,
): PathProbeRequest | undefined {
  const [service] = servicesInQuestion(question, [], objects.services);
  const { namespace } = question.client;
  const dialled =
    service === undefined
      ? targets[0]
      : targets.find((target) => serviceOf(target, namespace, objects.services) === service);
  if (dialled) {
    const isTls = dialled.scheme === 'https' || dialled.scheme === 'grpcs';
    return { ...requestFor(dialled, objects, question), ...(isTls ? { tls: {} } : {}) };
  }
  const port = service?.spec?.ports?.[0]?.port;
  if (service === undefined || port === undefined) return undefined;
  const host = `${service.metadata?.name}.${service.metadata?.namespace}.svc`;
  return requestFor({ host, port }, objects, question);
}

function requestFor(target: Dialled, { services, pods }: ClusterObjects, question: Question) {
  const { host, scheme } = target;
  const [asked] = servicesInQuestion(question, [], services);
  const service = serviceOf(target, question.client.namespace, services) ?? asked;
  const port = target.port ?? defaultPort(scheme, service?.spec?.ports?.[0]?.port);
  const selected = service ? pods.filter((pod) => isSelected(service, pod)) : [];
  const further = selected.flatMap((pod) => {
    const address = pod.status?.podIP;
    const at = service && portIn(service, target.port, pod);
    return address && at && !pod.metadata?.deletionTimestamp ? [{ address, port: at }] : [];
  });
  return { host, port, further: further.slice(0, MOST_FURTHER) };
}

/** gRPC takes 443 where a name has no port; what resolves by itself takes the Service's. */
function defaultPort(scheme: string | undefined, ofService: number | undefined): number {
  if (scheme === 'http') return 80;
  const takesServices = scheme === 'kubernetes' || scheme === 'k8s' || scheme === 'xds';
  return takesServices ? (ofService ?? 443) : 443;
}
