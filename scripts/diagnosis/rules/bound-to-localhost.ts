import type { Evidence, Rule } from '../rule.ts';
import {
  type ContainerView,
  connected,
  isRefused,
  type PodView,
  type Route,
  type ServiceView,
  type Situation,
  servedPorts,
  serversOf,
  targetPortsOn,
} from '../situation/index.ts';
import { shorten } from '../words.ts';
import { probeFailures, saidOf } from './probe-events.ts';
import { tcpEvidence } from './probe-evidence.ts';
import {
  failing,
  failureEvidence,
  firstOf,
  grpcPorts,
  kubectl,
  probesOfPod,
  unreached,
  workloadRef,
} from './say.ts';

const LOOPBACK = String.raw`(?:127\.0\.0\.1|localhost|\[?::1\]?)`;
/** What programs say when they begin to listen. */
const LISTENING = new RegExp(
  String.raw`(?:listen|bound|bind|serving|started|running|address|Now listening)\S*.*?(?:^|[^\w.])${LOOPBACK}(?::(\d+))?(?![\w.])`,
  'i',
);
const WHOLE = new RegExp(`^(?:[a-z]+://)?${LOOPBACK}(?::(\\d+))?/?$`, 'i');
/** As much of a line is looked at: what a program says when it begins to listen is short. */
const LINE = 500;
/** Settings that say where to listen, not whom to call. */
const BINDS =
  /BIND|LISTEN|(^|_)HOST$|SERVER_(ADDR|HOST)|ASPNETCORE_URLS|GRPC_(ADDR|HOST|ADDRESS)|^ADDR(ESS)?$/i;
const NOT_THIS = /METRIC|ADMIN|DEBUG|PPROF|CONTROL|HEALTH|OTEL|REDIS|POSTGRES|DB_|KAFKA|PROM|ZIPKIN|JAEGER/i;

/** The server listens on its own loopback address, which nobody else reaches. */
export const boundToLocalhost: Rule = {
  cause: 'bound-to-localhost',
  judge: (situation) =>
    firstOf(situation.routes, (route) => {
      const { service } = route;
      return service && firstOf(serversOf(service), (pod) => judgePod(situation, route, service, pod));
    }),
};

function judgePod(situation: Situation, route: Route, service: ServiceView, pod: PodView) {
  const ports = portsOf(route, service, pod);
  const [container, words] = listenerOf(pod, ports) ?? [];
  if (!container || !words) return undefined;
  const tried = probesOfPod(situation, pod).filter(({ port }) => ports.includes(port));
  if (tried.some(connected)) return undefined;
  const refused = tried.filter(isRefused);
  const refusedEvent = probeFailures(pod, 'readiness', 'startup', 'liveness').findLast(({ message }) =>
    /refused/i.test(message),
  );
  const failures = failing(situation, /refused/i);
  const isRefusing = refused.length > 0 || refusedEvent !== undefined || failures.length > 0;
  // Behind a sidecar, localhost is where a server should listen: it is the effect that tells.
  if (!isRefusing && pod.ready && unreached(situation).length === 0) return undefined;
  const setting = words.find(({ fact }) => fact.includes(' env '));
  const [, name] = / env (\S+)/.exec(setting?.fact ?? '') ?? [];
  const evidence: Evidence[] = [
    ...words,
    ...refused.slice(0, 1).map((probe) => tcpEvidence(probe, "on the pod's own address nothing listens")),
    ...saidOf(pod, refusedEvent, "the kubelet asks on the pod's address, and is refused"),
    ...failureEvidence(failures, 'so is the client'),
  ];
  return {
    cause: 'bound-to-localhost',
    certainty: isRefusing ? 'certain' : 'likely',
    summary: `${container.name} of ${pod.name} listens on localhost only: nobody outside of its pod reaches port ${ports[0] ?? ''}`,
    evidence,
    fix: name
      ? kubectl(
          pod.namespace,
          `set env ${workloadRef(pod)} -c ${container.name} ${name}=${setting?.value.replace(new RegExp(LOOPBACK, 'i'), '0.0.0.0')}`,
        )
      : `let ${container.name} of ${workloadRef(pod)} listen on 0.0.0.0 (or [::]) instead of localhost`,
  } as const;
}

/** Ports on which the client's calls should arrive. */
function portsOf({ port }: Route, service: ServiceView, pod: PodView): number[] {
  const dialled = service.ports
    .filter((each) => each.port === port)
    .flatMap((each) => targetPortsOn(each, pod));
  const served = dialled.length > 0 ? dialled : servedPorts(service, pod);
  return served.length > 0 ? served : grpcPorts(pod);
}

/** The container that runs and may serve these ports, and says that it listens on localhost. */
function listenerOf(pod: PodView, ports: readonly number[]): [ContainerView, Evidence[]] | undefined {
  const may = pod.containers.filter(
    (each) =>
      !each.init &&
      each.state.kind === 'running' &&
      (each.ports.length === 0 || each.ports.some(({ port }) => ports.includes(port))),
  );
  return firstOf(may, (each) => {
    const words = wordsOf(pod, each, ports);
    return words.length > 0 ? [each, words] : undefined;
  });
}

/** Where the container says, or is told, that it listens on localhost, on this port or without one. */
function wordsOf(pod: PodView, { name, env, words }: ContainerView, ports: readonly number[]): Evidence[] {
  const isIts = (port: string | undefined) => port === undefined || ports.includes(Number(port));
  const says = 'it listens on loopback only';
  const settings = env.filter(
    (setting) =>
      BINDS.test(setting.name) &&
      !NOT_THIS.test(setting.name) &&
      WHOLE.test(setting.value) &&
      isIts(WHOLE.exec(setting.value)?.[1]),
  );
  const args = words.flatMap((word, at) => {
    const [, flag = '', given] = /^--?([\w-]+)(?:=(.*))?$/.exec(word) ?? [];
    const value = given ?? words[at + 1] ?? '';
    const isBind =
      /bind|listen|host|addr/i.test(flag) &&
      !NOT_THIS.test(flag) &&
      !/target|upstream|backend|connect/i.test(flag);
    return isBind && WHOLE.test(value) && isIts(WHOLE.exec(value)?.[1]) ? [`--${flag} ${value}`] : [];
  });
  const lines = pod.logs
    .filter(({ container, previous }) => container === name && !previous)
    .flatMap((log) => log.lines)
    .map((line) => line.slice(0, LINE))
    .filter((line) => {
      const match = LISTENING.exec(line);
      return (
        match !== null &&
        !NOT_THIS.test(line) &&
        isIts(match[1]) &&
        !/connect|dial|forward|upstream/i.test(line)
      );
    });
  return [
    ...settings
      .slice(0, 1)
      .map((setting) => ({ fact: `Pod ${pod.ref} env ${setting.name}`, value: setting.value, says })),
    ...args.slice(0, 1).map((value) => ({ fact: `Pod ${pod.ref} container ${name} args`, value, says })),
    ...lines.slice(-1).map((line) => ({ fact: `log of ${pod.ref} (${name})`, value: shorten(line), says })),
  ];
}
