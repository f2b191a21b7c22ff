import type { Evidence, Rule } from '../rule.ts';
import type { ContainerView, Route, Situation } from '../situation/index.ts';
import { answered } from '../situation/index.ts';
import { failing, failureEvidence, firstOf, kubectl, unreached } from './say.ts';

const PROXY = /^(grpc|https?|all)_proxy$/i;
const NO_PROXY = /^no_(grpc_)?proxy$/i;

/** The client's environment sends its calls to a proxy, and spares the target not. */
export const proxyEnv: Rule = {
  cause: 'proxy-env',
  judge: (situation) =>
    firstOf(situation.routes, (route) =>
      firstOf(
        situation.client.containers.filter(({ init }) => !init),
        (container) => judgeContainer(situation, route, container),
      ),
    ),
};

function judgeContainer(situation: Situation, route: Route, container: ContainerView) {
  const { target } = route;
  const proxy = container.env.find(({ name, value }) => PROXY.test(name) && value.trim() !== '');
  const spared = container.env.filter(({ name }) => NO_PROXY.test(name));
  if (!target || !proxy || situation.calls.answering) return undefined;
  if (spared.some(({ value }) => covers(value, target.host))) return undefined;
  const { host, port, text } = addressOf(proxy.value);
  const named = failing(situation, new RegExp(`proxy|${RegExp.escape(host)}`, 'i')).filter(
    ({ message }) => message !== '',
  );
  const calls = unreached(situation);
  const sockets = situation.agents.flatMap(({ sockets: all }) =>
    (all?.connections ?? []).filter(
      ({ remoteAddress, remotePort }) =>
        remoteAddress === host || (port !== undefined && remotePort === port),
    ),
  );
  if (named.length === 0 && calls.length === 0 && sockets.length === 0) return undefined;
  const direct = situation.probed.find(answered);
  // grpc-js reads the small letters only.
  const isSmall = proxy.name === proxy.name.toLowerCase();
  const noProxy = spared[0]?.name ?? (isSmall ? 'no_proxy' : 'NO_PROXY');
  const also = [spared[0]?.value, target.host].filter(Boolean).join(',');
  const evidence: Evidence[] = [
    {
      fact: `${situation.client.kind} ${situation.client.ref} container ${container.name} env ${proxy.name}`,
      value: text,
      says: 'gRPC connects to this instead of its target',
    },
    { fact: `env ${noProxy}`, value: spared[0]?.value ?? 'not set', says: `does not spare ${target.host}` },
    ...sockets.slice(0, 1).map(({ remoteAddress, remotePort, state }) => ({
      fact: 'connections of the client',
      value: `${remoteAddress}:${remotePort} ${state}`,
      says: 'it goes to the proxy',
    })),
    ...(direct
      ? [{ fact: `probe ${direct.where} method`, value: 'OK', says: 'the way without a proxy is fine' }]
      : []),
    ...failureEvidence(
      named.length > 0 ? named : calls,
      named.length > 0 ? 'calls fail at the proxy' : 'calls do not get through',
    ),
  ];
  return {
    cause: 'proxy-env',
    certainty: named.length > 0 || sockets.length > 0 || direct ? 'certain' : 'likely',
    summary: `${proxy.name} sends the client's calls to ${text}, and ${noProxy} does not spare ${target.host}`,
    evidence,
    fix: kubectl(
      situation.client.namespace,
      `set env ${situation.client.kind.toLowerCase()}/${situation.client.name} -c ${container.name} ${noProxy}=${also}`,
    ),
  } as const;
}

/** Without user and password, which a proxy's URL can have. */
function addressOf(value: string): { host: string; port: number | undefined; text: string } {
  const [, scheme = '', rest = value] = /^([a-z0-9]+:\/\/)?(.*)$/i.exec(value.trim()) ?? [];
  const bare = rest.replace(/^.*@/, '').replace(/\/.*$/, '');
  const [, host = bare, port] = /^(.*?)(?::(\d+))?$/.exec(bare) ?? [];
  return { host, port: port === undefined ? undefined : Number(port), text: `${scheme}${bare}` };
}

/** `*`, the host itself, or a domain that it is in, with or without a dot before it. */
export const covers = (noProxy: string, host: string): boolean =>
  noProxy
    .split(',')
    .map((entry) =>
      entry
        .trim()
        .replace(/^\*?\./, '')
        .replace(/:\d+$/, '')
        .toLowerCase(),
    )
    .filter(Boolean)
    .some(
      (entry) => entry === '*' || host.toLowerCase() === entry || host.toLowerCase().endsWith(`.${entry}`),
    );
