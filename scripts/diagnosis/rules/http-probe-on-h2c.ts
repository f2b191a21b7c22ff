import type { Evidence, Rule } from '../rule.ts';
import {
  type ContainerView,
  type PodView,
  type ProbeSetting,
  type Route,
  type ServiceView,
  type Situation,
  servedPorts,
  serversOf,
  targetPortsOn,
} from '../situation/index.ts';
import { shorten } from '../words.ts';
import { probeFailures, saidOf } from './probe-events.ts';
import { firstOf, grpcPorts, patchPod, probesOfPod } from './say.ts';

/** What an HTTP/1.1 client makes of a server that speaks HTTP/2 at once, and what the server says of such a client. */
const NOT_HTTP1 =
  /malformed HTTP|transport connection broken|EOF|connection reset|server closed|protocol error|Parse Error/i;
const BOGUS_GREETING =
  /bogus greeting|Unexpected HTTP\/1|HTTP\/1\.x request|bad client magic|invalid (connection )?preface/i;
const ANSWERED = /HTTP probe failed with statuscode/i;

/** The kubelet asks in HTTP/1.1 on a port that speaks HTTP/2 only. */
export const httpProbeOnH2c: Rule = {
  cause: 'http-probe-on-h2c',
  judge: (situation) =>
    firstOf(situation.routes, (route) => {
      const { service } = route;
      return (
        service &&
        firstOf(serversOf(service), (pod) =>
          firstOf(pod.containers, (container) =>
            firstOf(container.probes, (probe) =>
              judgeProbe(situation, route, service, pod, container, probe),
            ),
          ),
        )
      );
    }),
};

function judgeProbe(
  situation: Situation,
  route: Route,
  service: ServiceView,
  pod: PodView,
  container: ContainerView,
  probe: ProbeSetting,
) {
  const { port, kind, how } = probe;
  if (how !== 'http' || port === undefined || !portsOfCalls(route, service, pod).includes(port))
    return undefined;
  const isSuffering =
    kind === 'liveness' ? container.restarts > 0 || probeFailures(pod, kind).length > 0 : !pod.ready;
  if (!isSuffering) return undefined;

  const said = probeFailures(pod, kind);
  const broken = said.findLast(({ message }) => NOT_HTTP1.test(message));
  const tried = probesOfPod(situation, pod, port);
  const speaks = tried.find(({ preface }) => preface?.saw === 'http2');
  const greeting = pod.logs.flatMap(({ lines }) => lines).findLast((line) => BOGUS_GREETING.test(line));
  // A server that answers in HTTP/1.1 is asked rightly; one that refuses does not listen.
  const speaksHttp1 = tried.some(({ preface }) => preface?.saw === 'http1');
  if (
    !broken &&
    !speaks &&
    !greeting &&
    said.some(({ message }) => ANSWERED.test(message) || /refused/.test(message))
  )
    return undefined;
  if (speaksHttp1) return undefined;
  const evidence: Evidence[] = [
    {
      fact: `Pod ${pod.ref} container ${container.name} ${kind}Probe`,
      value: `httpGet on port ${port}`,
      says: `it is the port on which the Service ${service.name} has gRPC`,
    },
    ...saidOf(pod, broken ?? said.at(-1), 'what came back is no HTTP/1.1'),
    ...(speaks
      ? [
          {
            fact: `probe ${speaks.where} preface`,
            value: 'http2',
            says: 'the port speaks HTTP/2 from the first byte',
          },
        ]
      : []),
    ...(greeting
      ? [{ fact: `log of ${pod.ref}`, value: shorten(greeting), says: 'the server got an HTTP/1.1 request' }]
      : []),
  ];
  return {
    cause: 'http-probe-on-h2c',
    certainty: broken || speaks || greeting ? 'certain' : 'likely',
    summary: `the ${kind} probe of ${pod.name} asks in HTTP/1.1 on port ${port}, which speaks gRPC: it can never pass`,
    evidence,
    fix: patchPod(pod, `${container.path}/${kind}Probe`, {
      grpc: { port },
      periodSeconds: probe.periodSeconds,
      timeoutSeconds: probe.timeoutSeconds,
    }),
  } as const;
}

/** Of a Service with several ports, those of the port that is dialled, or that look like gRPC's. */
function portsOfCalls({ port }: Route, service: ServiceView, pod: PodView): number[] {
  const dialled = service.ports.filter((each) => each.port === port);
  if (dialled.length > 0) return dialled.flatMap((each) => targetPortsOn(each, pod));
  const served = servedPorts(service, pod);
  const like = grpcPorts(pod);
  return served.length === 1 ? served : served.filter((each) => like.includes(each));
}
