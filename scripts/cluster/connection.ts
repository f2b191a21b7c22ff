// What it takes to send a request to an API server by hand.
import { HttpMethod, type KubeConfig, RequestContext } from '@kubernetes/client-node';
import type { Dispatcher } from 'undici';

export type Connection = {
  server: string;
  /** Who is asking. */
  headers: Record<string, string>;
  /** Undefined: undici's own. */
  dispatcher: Dispatcher | undefined;
};

/** One dispatcher for all requests: client-node makes a new one, and so a new connection, each time it is asked. */
export async function connection(kubeConfig: KubeConfig): Promise<Connection> {
  const server = kubeConfig.getCurrentCluster()?.server.replace(/\/$/, '') ?? '';
  const context = new RequestContext(server, HttpMethod.GET);
  await kubeConfig.applySecurityAuthentication(context);
  const dispatcher = context.getDispatcher() as unknown as Dispatcher | undefined;
  return { server, headers: context.getHeaders(), dispatcher };
}
