// Where the Kubernetes API is and how one signs in there: the pod's service account, or a kubeconfig.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ApiConfig } from './api-client.ts';
import { loadKubeconfig } from './kubeconfig.ts';

/** Which Kubernetes API `kubernetes:///` targets ask. */
export type KubernetesOptions = {
  /**
   * Path of a kubeconfig. Default: in a pod its service account; elsewhere the files of `KUBECONFIG`, merged as kubectl
   * does, or `~/.kube/config`.
   */
  kubeconfig?: string;
  /** Context of the kubeconfig. Default: its current-context. */
  context?: string;
  /**
   * Namespace of targets that name none. Default: the service account's; with a kubeconfig that of its context, or
   * `default`.
   */
  namespace?: string;
};

/** What the kubelet mounts. https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/ */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

export type Surroundings = { env: NodeJS.ProcessEnv; serviceAccount: string; home: string };

/** @throws when there is no configuration, or one that cannot be used, with what to do. */
export async function loadApiConfig(
  options: KubernetesOptions,
  { env, serviceAccount, home }: Surroundings = {
    env: process.env,
    serviceAccount: SERVICE_ACCOUNT,
    home: homedir(),
  },
): Promise<ApiConfig> {
  const host = env.KUBERNETES_SERVICE_HOST;
  const tokenFile = join(serviceAccount, 'token');
  const chosen = options.kubeconfig ?? options.context;
  if (chosen === undefined && host && existsSync(tokenFile)) {
    return inPod(options, host, env.KUBERNETES_SERVICE_PORT ?? '443', serviceAccount);
  }

  const paths = kubeconfigPaths(options, env, home);
  const present = paths.filter((path) => existsSync(path));
  if (present.length > 0) return loadKubeconfig(present, options);
  const missing = `no kubeconfig at ${paths.join(', ')}`;
  if (host) {
    throw new Error(
      `no ${tokenFile}: the pod has no service account token (automountServiceAccountToken: false?), and ${missing}`,
    );
  }
  throw new Error(`not in a pod (KUBERNETES_SERVICE_HOST is not set), and ${missing}`);
}

async function inPod(
  options: KubernetesOptions,
  host: string,
  port: string,
  folder: string,
): Promise<ApiConfig> {
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    namespace: options.namespace ?? (await readFile(join(folder, 'namespace'), 'utf8')).trim(),
    credentials: async () => {
      const [token, ca] = await Promise.all([
        readFile(join(folder, 'token'), 'utf8'),
        readFile(join(folder, 'ca.crt')),
      ]);
      return { token: token.trim(), tls: { ca } };
    },
  };
}

function kubeconfigPaths({ kubeconfig }: KubernetesOptions, env: NodeJS.ProcessEnv, home: string): string[] {
  if (kubeconfig !== undefined) return [kubeconfig];
  const listed = (env.KUBECONFIG ?? '').split(process.platform === 'win32' ? ';' : ':').filter(Boolean);
  return listed.length > 0 ? listed : [join(home, '.kube', 'config')];
}
