// Kubeconfigs, as far as they can be used without running other programs.
// https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { ApiConfig, Tls } from './api-client.ts';

type Cluster = {
  server?: string;
  'certificate-authority'?: string;
  'certificate-authority-data'?: string;
  'insecure-skip-tls-verify'?: boolean;
  'tls-server-name'?: string;
};
type User = {
  token?: string;
  tokenFile?: string;
  'client-certificate'?: string;
  'client-certificate-data'?: string;
  'client-key'?: string;
  'client-key-data'?: string;
};
type Context = { cluster?: string; user?: string; namespace?: string };

/** An entry knows its file's folder: paths in it are relative to that. */
type Entry<T> = { value: T; folder: string };
type Kubeconfig = {
  currentContext: string | undefined;
  clusters: Map<string, Entry<Cluster>>;
  users: Map<string, Entry<User>>;
  contexts: Map<string, Entry<Context>>;
};

/** Fields that cannot be left out of account, and are not supported. */
const refused = {
  cluster: ['proxy-url'],
  user: ['exec', 'auth-provider', 'username', 'password', 'as', 'as-uid', 'as-groups', 'as-user-extra'],
};
const HINT = 'give it a token, a tokenFile or a client certificate, for example of a service account';

/** @throws naming the file or the entry that cannot be used. */
export async function loadKubeconfig(
  paths: string[],
  options: { context?: string; namespace?: string },
): Promise<ApiConfig> {
  const config = await merge(paths);
  const where = paths.join(', ');
  const contextName = options.context ?? config.currentContext;
  if (!contextName) throw new Error(`${where} has no current-context: name a context`);
  const context = named(config.contexts, 'context', contextName, where).value;
  const cluster = named(config.clusters, 'cluster', context.cluster ?? '', where);
  const user = context.user
    ? named(config.users, 'user', context.user, where)
    : { value: {}, folder: cluster.folder };
  refuse('cluster', context.cluster, cluster.value, 'connect without it');
  refuse('user', context.user, user.value, HINT);
  const { server } = cluster.value;
  if (!server || !/^https?:\/\//.test(server)) {
    throw new Error(
      `cluster ${context.cluster} in ${where} has no server that begins with https:// or http://`,
    );
  }

  return {
    server,
    namespace: options.namespace ?? context.namespace ?? 'default',
    credentials: async () => ({
      token: await tokenOf(user),
      tls: { ...(await serverTls(cluster)), ...(await clientTls(user)) },
    }),
  };
}

/** Of entries of the same name the first counts, over all files. */
async function merge(paths: string[]): Promise<Kubeconfig> {
  const merged: Kubeconfig = {
    currentContext: undefined,
    clusters: new Map(),
    users: new Map(),
    contexts: new Map(),
  };
  // Loaded where it is needed: in a pod it never is.
  const { parse } = await import('yaml');
  for (const path of paths) {
    const folder = dirname(resolve(path));
    const text = await readFile(path, 'utf8');
    let file: Record<string, unknown>;
    try {
      file = (parse(text) ?? {}) as Record<string, unknown>;
    } catch (error) {
      throw new Error(`${path} is no YAML: ${(error as Error).message}`, { cause: error });
    }
    merged.currentContext ||= file['current-context'] as string | undefined;
    addEntries(merged.clusters, file.clusters, 'cluster', folder);
    addEntries(merged.users, file.users, 'user', folder);
    addEntries(merged.contexts, file.contexts, 'context', folder);
  }
  return merged;
}

function addEntries<T>(into: Map<string, Entry<T>>, list: unknown, key: string, folder: string): void {
  if (!Array.isArray(list)) return;
  for (const item of list as Record<string, unknown>[]) {
    const name = String(item.name);
    if (!into.has(name)) into.set(name, { value: (item[key] ?? {}) as T, folder });
  }
}

function named<T>(entries: Map<string, Entry<T>>, kind: string, name: string, where: string): Entry<T> {
  const entry = entries.get(name);
  if (entry) return entry;
  throw new Error(`no ${kind} "${name}" in ${where}: there are ${[...entries.keys()].join(', ') || 'none'}`);
}

function refuse(kind: keyof typeof refused, name: string | undefined, value: object, hint: string): void {
  const found = refused[kind].find((field) => field in value);
  if (found) throw new Error(`${found} of kubeconfig ${kind} ${name} is not supported: ${hint}`);
}

async function tokenOf({ value, folder }: Entry<User>): Promise<string | undefined> {
  // The file wins: it rotates.
  if (value.tokenFile) return (await readFile(resolve(folder, value.tokenFile), 'utf8')).trim();
  return value.token;
}

async function serverTls({ value, folder }: Entry<Cluster>): Promise<Tls> {
  const ca = await pem(value['certificate-authority-data'], value['certificate-authority'], folder);
  return {
    ...(ca && { ca }),
    ...(value['tls-server-name'] && { servername: value['tls-server-name'] }),
    ...(value['insecure-skip-tls-verify'] && { rejectUnauthorized: false }),
  };
}

async function clientTls({ value, folder }: Entry<User>): Promise<Tls> {
  const cert = await pem(value['client-certificate-data'], value['client-certificate'], folder);
  const key = await pem(value['client-key-data'], value['client-key'], folder);
  return { ...(cert && { cert }), ...(key && { key }) };
}

/** Data wins over a path, as in kubectl. */
async function pem(data: string | undefined, path: string | undefined, folder: string) {
  if (data) return Buffer.from(data, 'base64');
  return path ? readFile(resolve(folder, path)) : undefined;
}
