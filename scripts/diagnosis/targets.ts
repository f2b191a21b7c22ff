// What a client dials, as far as its own settings tell: gRPC targets, URLs, host:port, pairs of variables.
import type { V1ConfigMap, V1Container } from '@kubernetes/client-node';
import type { Plain } from '../common/plain.ts';
import { type Setting, settingsOf, wordsOf } from './settings.ts';

export type Target = {
  /** As it is written. */
  raw: string;
  /** Without the brackets of an IPv6 address; else as it is written. */
  host: string;
  port?: number;
  /** `dns`, `kubernetes`, `xds`, `http`, …; undefined for a bare `host:port`. */
  scheme?: string;
  /** `env TARGET`, `env TARGET (ConfigMap shop-settings)`, `args[2]`, `command[0]`. */
  where: string;
};

/** The name of what is resolved stands behind the third slash, or right behind the colon. */
const NAME_SCHEMES = ['dns', 'dns-poll', 'passthrough', 'ipv4', 'ipv6', 'kubernetes', 'k8s', 'xds'];
/** What stands behind two slashes is dialled. Others (`postgres`, `redis`, …) are not gRPC's. */
const URL_SCHEMES = ['http', 'https', 'grpc', 'grpcs', 'h2c', 'tcp', 'tls'];

const HOST = String.raw`\[[0-9a-f:.%]+\]|[a-z0-9_]([a-z0-9._-]*[a-z0-9.])?`;
const HOST_AND_PORT = new RegExp(`^(${HOST})(?::(\\w+))?$`, 'i');

/**
 * The target that a text is, if it is one.
 *
 * @param bare whether a host alone may be meant: `greeter`.
 */
export function parseTarget(text: string, bare = false): Omit<Target, 'where'> | undefined {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*):(.*)$/i.exec(text) ?? [];
  const known = scheme.toLowerCase();
  if (NAME_SCHEMES.includes(known)) {
    // An authority is the server that is asked, not what it is asked for.
    const endpoint = rest.startsWith('//') ? rest.slice(2).replace(/^[^/]*\/?/, '') : rest;
    const [first = ''] = endpoint.split(',');
    return withAddress(text, /^[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:]*$/i.test(first) ? `[${first}]` : first, known);
  }
  if (URL_SCHEMES.includes(known) && rest.startsWith('//')) {
    const authority = rest.slice(2).split(/[/?#]/)[0] ?? '';
    return withAddress(text, authority.slice(authority.lastIndexOf('@') + 1), known);
  }
  // gRPC, Go's above all, also takes what begins with a slash less or more.
  const address = withAddress(text, text);
  if (address === undefined) return undefined;
  if (address.port !== undefined) return isNumber(address.host) ? undefined : address;
  return bare && !text.includes(':') && isName(address.host) ? address : undefined;
}

function withAddress(raw: string, address: string, scheme?: string): Omit<Target, 'where'> | undefined {
  const [, host = '', , port] = HOST_AND_PORT.exec(address) ?? [];
  const bracketless = host.replace(/^\[(.*)\]$/, '$1');
  if (bracketless === '' || isUnspecified(bracketless)) return undefined;
  const number = Number(port);
  const hasPort = Number.isInteger(number) && number >= 1 && number <= 65_535;
  return {
    raw,
    host: bracketless,
    ...(hasPort ? { port: number } : {}),
    ...(scheme === undefined ? {} : { scheme }),
  };
}

/** Where a server listens, not what a client dials. */
const isUnspecified = (host: string): boolean => host === '0.0.0.0' || /^[0:]*$/.test(host);
const isNumber = (host: string): boolean => /^\d+$/.test(host);
const isName = (host: string): boolean =>
  /[a-z]/i.test(host) && !/^(true|false|yes|no|on|off|null)$/i.test(host);

/** Variables whose values are of something else, or of the program's own. */
const OTHER = /(?:_proxy|image|listen|bind|advertise|version)/i;
/** Variables that name a peer: their value may be a host alone. That of a HOST may be, but its port is elsewhere. */
const PEER = /(?:addr|address|target|endpoint|upstream|backend|authority)$/i;
const HOST_NAME = /^(.*[a-z0-9])[_.-]?(?:host|hostname|addr|address)$/i;
const PORT_NAME = /^(.*[a-z0-9])[_.-]?port$/i;

/**
 * What a container is set to dial, by its env, args and command, each once. One with neither port nor scheme may be
 * something else: `LOG_TARGET=stdout` looks no different.
 *
 * @param configMaps of its namespace, for variables that are taken from them.
 */
export function targetsIn(
  container: Plain<V1Container>,
  configMaps: readonly Plain<V1ConfigMap>[],
): Target[] {
  const settings = settingsOf(container, configMaps);
  const ports = new Map(settings.flatMap((setting) => pairKey(PORT_NAME, setting)));
  const found = settings.flatMap((setting): Target[] => {
    if (OTHER.test(setting.name)) return [];
    const [[prefix] = []] = pairKey(HOST_NAME, setting);
    const port = prefix === undefined ? undefined : ports.get(prefix);
    const host = parseTarget(setting.value, true);
    if (port && host && host.port === undefined && host.scheme === undefined && /^\d+$/.test(port.value)) {
      const pair = parseTarget(`${setting.value}:${port.value}`);
      return pair ? [{ ...pair, where: `${setting.where}, ${port.where}` }] : [];
    }
    return targetsOf(setting);
  });
  const key = ({ scheme, host, port }: Target) => `${scheme} ${host} ${port}`;
  return found.filter((one, index) => found.findIndex((other) => key(other) === key(one)) === index);
}

function targetsOf({ name, value, where }: Setting): Target[] {
  return wordsOf(value).flatMap((word) => {
    const [, option = name, rest = word] = /^-{0,2}([\w.-]+)=(.+)$/.exec(word) ?? [];
    if (OTHER.test(option)) return [];
    const target = parseTarget(rest, PEER.test(option) && !/\s/.test(value.trim()));
    return target ? [{ ...target, where }] : [];
  });
}

const pairKey = (pattern: RegExp, setting: Setting): [string, Setting][] => {
  const [, prefix] = pattern.exec(setting.name) ?? [];
  return prefix === undefined ? [] : [[prefix.toLowerCase(), setting]];
};
