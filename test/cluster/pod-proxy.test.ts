import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type PodProxy, podProxy } from '../../scripts/cluster/index.ts';
import { json, type KubeApi, kubeApi, PODS, refuse } from '../support/kube-api.ts';

let kube: KubeApi;
let proxy: PodProxy;
const CONTROL = `${PODS}/server-1:8080/proxy`;

beforeEach(async () => {
  kube = await kubeApi();
  proxy = await podProxy(kube.api.kubeConfig, 'secret');
});
afterEach(() => kube[Symbol.asyncDispose]());

async function linesOf(path: string, timeoutMs?: number): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of proxy.lines('server-1', { path, ...(timeoutMs ? { timeoutMs } : {}) }))
    lines.push(line);
  return lines;
}

describe('the pod proxy', () => {
  it('asks through the API server, with the token of the lab', async () => {
    kube.on(`POST ${CONTROL}/workloads?x=1`, ({ body }, response) =>
      json(response, 200, { got: JSON.parse(body) }),
    );
    const answer = await proxy.json('server-1', {
      method: 'POST',
      path: '/workloads?x=1',
      body: { rate: 5 },
    });
    expect(answer).toEqual({ got: { rate: 5 } });
    const [request] = kube.requests;
    expect(request?.headers).toMatchObject({ 'x-lab-token': 'secret', 'content-type': 'application/json' });
    expect(request?.headers).not.toHaveProperty('authorization');
  });

  it.each([
    ['the pod', { error: 'no such workload' }, 'no such workload'],
    ['the API server', { kind: 'Status', message: 'pods "server-1" not found' }, 'pods "server-1" not found'],
    ['something in between', 'Bad Gateway', 'Bad Gateway'],
  ])('says what %s refuses, and to what', async (_, body, reason) => {
    kube.on(`DELETE ${CONTROL}/workloads/a`, (__, response) => {
      response.writeHead(404).end(typeof body === 'string' ? body : JSON.stringify(body));
    });
    await expect(proxy.json('server-1', { method: 'DELETE', path: '/workloads/a' })).rejects.toMatchObject({
      code: 'lost',
      message: `server-1 answered 404 to DELETE /workloads/a: ${reason}`,
    });
  });

  it('names the pod when the API server is away', async () => {
    kube.on(`GET ${CONTROL}/time`, (_, response) => response.destroy());
    await expect(proxy.json('server-1', { path: '/time' })).rejects.toMatchObject({
      code: 'lost',
      message: expect.stringMatching(/^server-1 cannot be reached: /),
    });
  });

  it('names the pod that does not answer in time', async () => {
    kube.on(`GET ${CONTROL}/time`, () => {});
    await expect(proxy.json('server-1', { path: '/time', timeoutMs: 50 })).rejects.toMatchObject({
      code: 'lost',
      message: expect.stringMatching(/^server-1 cannot be reached: .*timeout/i),
    });
  });

  it('hands over lines as they come, however they are cut', async () => {
    const bytes = Buffer.from('{"a":"ä"}\n{"b":2}\n\nlast without an end');
    const middle = bytes.indexOf('ä') + 1;
    const chunks = [
      bytes.subarray(0, middle),
      bytes.subarray(middle, middle + 6),
      bytes.subarray(middle + 6),
    ];
    kube.on(`GET ${CONTROL}/events`, (_, response) => {
      chunks.forEach((chunk, index) => {
        setTimeout(() => response.write(chunk), index * 20);
      });
      setTimeout(() => response.end(), 100);
    });
    // A line is whole when its end has come: what is cut off is told again by the next stream.
    expect(await linesOf('/events')).toEqual(['{"a":"ä"}', '{"b":2}', '']);
  });

  it('gives up on a stream that falls silent', async () => {
    kube.on(`GET ${CONTROL}/events`, (_, response) => {
      response.write('one\n');
    });
    await expect(linesOf('/events', 100)).rejects.toThrow(/timeout/i);
  });

  it('ends a stream of a pod that refuses it', async () => {
    kube.on(`GET ${CONTROL}/events`, refuse(503, 'no endpoints'));
    await expect(linesOf('/events')).rejects.toThrow('server-1 answered 503 to GET /events: no endpoints');
  });
});
