// HTTP to a pod through the API server, as `/api/v1/namespaces/x/pods/y:8080/proxy/path`.
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { ApiError, badRequest, notFound } from '../errors.ts';
import { resources } from '../resources.ts';
import type { Store } from '../store.ts';
import type { ResourceRequest } from './request.ts';
import { type Response, sendHead } from './respond.ts';
import { isPort } from './validate/names.ts';

/** Of one connection, or forbidden in HTTP/2; the caller's right to ask the API server is not the pod's to know. */
const NOT_PASSED_ON = new Set([
  'authorization',
  'connection',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** Answers when the pod's answer has begun; what follows is piped. @throws ApiError 404, 400, 503. */
export async function proxyToPod(
  store: Store,
  request: ResourceRequest,
  from: string,
  incoming: IncomingMessage,
  response: Response,
): Promise<void> {
  const [name = '', port = '', ...more] = request.name.split(':');
  if (more.length > 0 || (port !== '' && !isPort(Number(port))))
    throw badRequest(`invalid pod request ${JSON.stringify(request.name)}: a port is a number here`);
  const pod = store.get('pods', request.namespace, name);
  if (!pod) throw notFound(resources.pods, name);
  const address = pod.status?.podIP;
  if (!address) throw badRequest(`pod ${name} has no address yet`);
  const first = pod.spec?.containers.flatMap(({ ports = [] }) => ports)[0]?.containerPort;
  const target = { host: address, port: Number(port || first || 80), localAddress: from };
  const path = request.rest + (request.query.size > 0 ? `?${request.query}` : '');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const outgoing = httpRequest(
    { ...target, path, method: request.method, headers: passedOn(request.headers), agent: false },
    (answer) => {
      sendHead(response, answer.statusCode ?? 502, passedOn(answer.headers));
      answer.on('error', () => response.destroy());
      answer.pipe(response);
      resolve();
    },
  );
  outgoing.on('error', (error: NodeJS.ErrnoException) => {
    if (response.headersSent) response.destroy();
    const why = error.code === 'ECONNREFUSED' ? 'connect: connection refused' : error.message;
    reject(
      new ApiError(
        503,
        'ServiceUnavailable',
        `error trying to reach service: dial tcp ${target.host}:${target.port}: ${why}`,
      ),
    );
  });
  response.once('close', () => outgoing.destroy());
  incoming.pipe(outgoing);
  await promise;
}

function passedOn(headers: NodeJS.Dict<string | string[]>): Record<string, string | string[]> {
  const entries = Object.entries(headers).filter(
    (entry): entry is [string, string | string[]] =>
      entry[1] !== undefined && !entry[0].startsWith(':') && !NOT_PASSED_ON.has(entry[0]),
  );
  return Object.fromEntries(entries);
}
