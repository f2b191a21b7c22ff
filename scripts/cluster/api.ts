// The Kubernetes API of a lab: the seam under everything that is not a provider.
import {
  AppsV1Api,
  CoreV1Api,
  DiscoveryV1Api,
  KubeConfig,
  KubernetesObjectApi,
} from '@kubernetes/client-node';
import { LabError, messageOf } from '../common/errors.ts';

export type ClusterApi = {
  kubeConfig: KubeConfig;
  core: CoreV1Api;
  apps: AppsV1Api;
  discovery: DiscoveryV1Api;
  objects: KubernetesObjectApi;
};

/** @throws LabError `failed` when the kubeconfig cannot be read. */
export function connect(kubeconfig: string): ClusterApi {
  const kubeConfig = new KubeConfig();
  try {
    kubeConfig.loadFromFile(kubeconfig);
  } catch (error) {
    throw new LabError('failed', `${kubeconfig} cannot be read: ${messageOf(error)}`, {
      hint: 'npm run lab:up writes it.',
    });
  }
  return {
    kubeConfig,
    core: kubeConfig.makeApiClient(CoreV1Api),
    apps: kubeConfig.makeApiClient(AppsV1Api),
    discovery: kubeConfig.makeApiClient(DiscoveryV1Api),
    objects: KubernetesObjectApi.makeApiClient(kubeConfig),
  };
}

/** HTTP status of an API error; undefined for anything else. */
export function statusOf(error: unknown): number | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  // A DOMException (an abort, a time-out) has a code as well: a small number.
  return typeof code === 'number' && code >= 100 ? code : undefined;
}

/** What the API server said, without the headers and the stack. Its body may be JSON, a string, or nothing. */
export function apiMessage(error: unknown): string {
  const body = (error as { body?: unknown }).body;
  const parsed = typeof body === 'string' ? tryParse(body) : body;
  const message = (parsed as { message?: unknown } | undefined)?.message;
  return typeof message === 'string' ? message : (messageOf(error).split('\n')[0] ?? '');
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { message: text.trim() };
  }
}
