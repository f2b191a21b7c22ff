// What rules say alike: evidence, commands, and what speaks for an effect.
import type { Certainty, Evidence } from '../rule.ts';
import {
  answered,
  connected,
  describeFailure,
  type Failure,
  type PodView,
  type Probed,
  type Route,
  type ServiceView,
  type Situation,
} from '../situation/index.ts';
import { shorten } from '../words.ts';

/** Codes with which calls end that do not get through. */
const UNREACHED = /^(UNAVAILABLE|DEADLINE_EXCEEDED|UNKNOWN|CANCELLED)$/;

/** The first thing that something is said of. */
export function firstOf<T, R>(things: readonly T[], say: (thing: T) => R | undefined): R | undefined {
  for (const thing of things) {
    const said = say(thing);
    if (said !== undefined) return said;
  }
  return undefined;
}

/** Services in question, each once. */
export const servicesOf = ({ routes }: Situation): ServiceView[] => [
  ...new Set(routes.flatMap(({ service }) => service ?? [])),
];

/** Failures that go on, with this in their code or message. */
export const failing = ({ calls }: Situation, pattern: RegExp): Failure[] =>
  calls.current.filter(({ code, message }) => pattern.test(`${code}: ${message}`));

export const unreached = ({ calls }: Situation): Failure[] =>
  calls.current.filter(({ code }) => UNREACHED.test(code));

export const failureEvidence = (failures: readonly Failure[], says: string): Evidence[] =>
  failures.slice(0, 2).map((failure) => ({
    fact: failure.where,
    value: shorten(describeFailure(failure)),
    says,
  }));

/** Probes of the Service's addresses and pods. */
export function probesTo({ probed }: Situation, { pods, clusterIPs, near }: ServiceView): Probed[] {
  const ips = new Set([...clusterIPs, ...[...pods, ...(near[0]?.pods ?? [])].flatMap((pod) => pod.ips)]);
  return probed.filter(({ address, ofName }) => ofName || ips.has(address));
}

export const probesOfPod = ({ probed }: Situation, pod: PodView, port?: number): Probed[] =>
  probed.filter((probe) => pod.ips.includes(probe.address) && (port === undefined || probe.port === port));

/** Fresh calls go through, where any was tried; else those that the client makes, on whatever connections it has. */
export const goesThrough = ({ calls, facts, probed }: Situation): boolean =>
  facts.probes.length > 0 ? probed.some((probe) => probe.ofName && answered(probe)) : calls.answering;

/** The mechanism was seen: with its effect it is certain. */
export const withEffect = (situation: Situation): Certainty =>
  unreached(situation).length > 0 ||
  situation.probed.some((probe) => !connected(probe)) ||
  lookupFailed(situation)
    ? 'certain'
    : 'likely';

export const lookupFailed = ({ facts }: Situation): boolean =>
  facts.probes.some(
    ({ answer }) => answer.lookup.error !== undefined || answer.lookup.addresses.length === 0,
  );

export const kubectl = (namespace: string, words: string): string => `kubectl -n ${namespace} ${words}`;

/** `deployment/greeter`, as kubectl takes it. */
export const workloadRef = ({ owner, name }: Pick<PodView, 'owner' | 'name'>): string =>
  owner ? `${owner.kind.toLowerCase()}/${owner.name}` : `pod/${name}`;

/** A JSON patch of one field of what a pod is made from. */
export const patchPod = (pod: PodView, path: string, value: unknown): string =>
  kubectl(
    pod.namespace,
    `patch ${workloadRef(pod)} --type json -p '${JSON.stringify([
      { op: 'replace', path: `/spec/template/spec/${path}`, value },
    ])}'`,
  );

export const patchService = (
  { namespace, name }: ServiceView,
  value: { path: string; value: unknown; op?: string },
): string =>
  kubectl(
    namespace,
    `patch service ${name} --type json -p '${JSON.stringify([{ op: 'replace', ...value }])}'`,
  );

/** The client is to dial another target: by the setting that says which, where it is known. */
export function retarget({ client }: Situation, { target }: Route, instead: string): string {
  // Host and port in variables of their own are for a person to change.
  const [, setting] = /^env ([^\s,]+)(?: \(|$)/.exec(target?.where ?? '') ?? [];
  const scheme = /^([a-z0-9+.-]+:\/*)/i.exec(target?.raw ?? '')?.[1] ?? '';
  const value = `${/^[a-z]+:\/\/[^/]/i.test(target?.raw ?? '') || scheme.endsWith('///') || /^dns:/.test(scheme) ? scheme : ''}${instead}`;
  if (setting === undefined) return `let the client dial ${value} (${target?.where ?? 'its target'})`;
  return kubectl(client.namespace, `set env ${client.kind.toLowerCase()}/${client.name} ${setting}=${value}`);
}

/** `greeter` from its own namespace, else `greeter.shop`. */
export const hostFor = (service: ServiceView, { client }: Situation): string =>
  service.namespace === client.namespace ? service.name : `${service.name}.${service.namespace}`;

/** Whether something of this kind could not be read. */
export const isUnseen = ({ facts }: Situation, what: RegExp): boolean =>
  facts.unseen.some((unseen) => what.test(unseen.what));

/** Ports of a pod where gRPC is likely to be: where it is probed, by their names, or the only ones. */
export function grpcPorts(pod: Pick<PodView, 'containers'>): number[] {
  const containers = pod.containers.filter(({ init }) => !init);
  const probed = containers.flatMap(({ probes }) =>
    probes.flatMap(({ how, port }) => (how === 'grpc' && port !== undefined ? [port] : [])),
  );
  const ports = containers.flatMap((container) => container.ports);
  const named = ports.filter(({ name }) => /grpc|h2c|http2/i.test(name ?? '')).map(({ port }) => port);
  const rest = ports.filter(({ name }) => !/metric|admin|control|health|debug|prom/i.test(name ?? ''));
  return [...new Set([...probed, ...named, ...rest.map(({ port }) => port)])];
}
