// The control endpoints of the lab's own pods, through the API's pod proxy. What is asked is written down as the rest.
import type { z } from 'zod';
import { podProxy } from '../../cluster/index.ts';
import { LabError } from '../../common/errors.ts';
import type { Access } from './access.ts';

type ControlRequest = {
  path: string;
  body?: unknown;
  /** What the answer has to have: the pod's program may be another, or of another version. */
  shape: z.ZodType;
};
export type Control = <T>(pod: string, request: ControlRequest) => Promise<T>;

/** GET without a body, POST with one, for as long as the gathering has time. @throws LabError `lost`. */
export async function controlOf(access: Access, token: string, namespace: string): Promise<Control> {
  const proxy = await podProxy(access.kubeConfig, token, namespace);
  return async <T>(pod: string, { path, body, shape }: ControlRequest) => {
    const method = body === undefined ? 'GET' : 'POST';
    const verb = method === 'GET' ? 'get' : 'create';
    access.audit.push({ verb, resource: 'pods/proxy', namespace, name: pod });
    const answer = await proxy.json<T>(pod, { method, path, body, signal: access.signal, timeoutMs: 12_000 });
    if (shape.safeParse(answer).success) return answer;
    throw new LabError('lost', `what ${pod} answers to ${method} ${path} is not understood`);
  };
}
