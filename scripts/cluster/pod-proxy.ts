// HTTP to a pod's control endpoint through the API server: no port is opened on the host.
import { HttpMethod, type KubeConfig, RequestContext } from '@kubernetes/client-node';
import { type Dispatcher, request } from 'undici';
import { CONTROL_PORT, TOKEN_HEADER } from '../../services/protocol/index.ts';
import { LabError, messageOf } from '../common/errors.ts';
import { NAMESPACE } from './lab.ts';

export type PodRequest = {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `/workloads/treatment?x=1` */
  path: string;
  body?: unknown;
  signal?: AbortSignal | undefined;
  /** For the answer's first byte, and between any two later ones; 10 s. Zero: no limit. */
  timeoutMs?: number;
};

export type PodProxy = {
  /** The JSON that the pod answers. @throws LabError `lost` when the pod cannot be reached or refuses. */
  json: <T>(pod: string, request: PodRequest) => Promise<T>;
  /** The answer's body as lines, as they come. */
  lines: (pod: string, request: PodRequest) => AsyncIterable<string>;
};

/** @param token of the lab's control endpoints. */
export async function podProxy(
  kubeConfig: KubeConfig,
  token: string,
  namespace = NAMESPACE,
): Promise<PodProxy> {
  const server = kubeConfig.getCurrentCluster()?.server ?? '';
  // One dispatcher for all requests: client-node makes a new one, and so a new connection, each time it is asked.
  const context = new RequestContext(server, HttpMethod.GET);
  await kubeConfig.applySecurityAuthentication(context);
  const dispatcher = context.getDispatcher();
  const headers = { ...context.getHeaders(), [TOKEN_HEADER]: token, 'content-type': 'application/json' };

  const send = async (
    pod: string,
    { method = 'GET', path, body, signal, timeoutMs = 10_000 }: PodRequest,
  ) => {
    const url = `${server}/api/v1/namespaces/${namespace}/pods/${pod}:${CONTROL_PORT}/proxy${path}`;
    const response = await request(url, {
      method,
      headers,
      ...(dispatcher ? { dispatcher: dispatcher as unknown as Dispatcher } : {}),
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      ...(signal ? { signal } : {}),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw new LabError('lost', `${pod} cannot be reached: ${messageOf(error)}`, { cause: error });
    });
    if (response.statusCode < 400) return response;
    const text = await response.body.text();
    const cause = Object.assign(new Error(text), { code: response.statusCode });
    throw new LabError(
      'lost',
      `${pod} answered ${response.statusCode} to ${method} ${path}: ${reasonIn(text)}`,
      { cause },
    );
  };

  return {
    json: async <T>(pod: string, podRequest: PodRequest) =>
      (await (await send(pod, podRequest)).body.json()) as T,
    lines: async function* (pod, podRequest) {
      const response = await send(pod, { timeoutMs: 0, ...podRequest });
      response.body.setEncoding('utf8');
      let rest = '';
      for await (const chunk of response.body) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        yield* lines;
      }
    },
  };
}

/** A pod refuses with `{error}`, the API server with a Status' `{message}`. */
function reasonIn(text: string): string {
  try {
    const { error, message } = JSON.parse(text) as { error?: string; message?: string };
    return error ?? message ?? text;
  } catch {
    return text.slice(0, 300);
  }
}
