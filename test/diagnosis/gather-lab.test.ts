// On the lab: what its clients tell of themselves, and the way of their calls.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Access, gatherFacts, readingAccess } from '../../scripts/diagnosis/gather/index.ts';
import { json, type KubeApi, kubeApi, refuse } from '../support/kube-api.ts';
import { ANSWER, at, SHOP, shop, shopPod } from './shop.ts';

let kube: KubeApi;
let access: Access;
const never = new AbortController().signal;
const CONTROL = `${at('pods', 'shop')}/web-abc-1:8080/proxy`;
const controlToken = async () => 'of-the-lab';

const PROCESS = { uptimeMs: 5, cpuShare: 0.1, eventLoopDelay: { p50Ms: 1, p99Ms: 2, maxMs: 3 } };
const SPEC = { id: 'app', target: 'dns:///greeter:80', method: 'say-hello', methodPath: '/a.B/C' };

beforeEach(async () => {
  kube = await kubeApi();
  shop(kube);
  kube.on(`GET ${CONTROL}/workloads`, (_, response) => json(response, 200, [{ id: 'app', running: true }]));
  kube.on(`GET ${CONTROL}/workloads/app/spec`, (_, response) => json(response, 200, SPEC));
  kube.on(`GET ${CONTROL}/sockets`, (_, response) => json(response, 200, { states: { ESTABLISHED: 1 } }));
  kube.on(`GET ${CONTROL}/process`, (_, response) => json(response, 200, PROCESS));
  kube.on(`POST ${CONTROL}/probes/path`, (_, response) => json(response, 200, ANSWER));
  for (const pod of ['web-abc-1', 'greeter-1'])
    kube.on(`GET ${at('pods', 'shop')}/${pod}/log`, (_, response) => response.end());
  access = await readingAccess(kube.api.kubeConfig, { signal: never });
});
afterEach(() => kube[Symbol.asyncDispose]());

const probed = () =>
  kube.requests.filter(({ method }) => method === 'POST').map(({ body }) => JSON.parse(body) as unknown);

describe('the clients of the lab', () => {
  it('tell of their workloads, sockets and process, and try the way of their calls', async () => {
    const { clients, probes } = await gatherFacts(access, SHOP, { controlToken });
    expect(clients).toEqual([
      {
        pod: 'web-abc-1',
        workloads: [{ spec: SPEC, status: { id: 'app', running: true } }],
        sockets: { states: { ESTABLISHED: 1 } },
        process: PROCESS,
      },
    ]);
    expect(probes).toEqual([{ from: { pod: 'web-abc-1', place: 'client' }, answer: ANSWER }]);
    expect(probed()).toEqual([
      {
        host: 'greeter',
        port: 80,
        // The pod that the Service selects, at the port of its container that the Service names.
        further: [{ address: '10.0.0.2', port: 50051 }],
        method: '/a.B/C',
      },
    ]);
    const control = kube.requests.filter(({ path }) => path.includes('/proxy'));
    expect(control.every(({ headers }) => headers['x-lab-token'] === 'of-the-lab')).toBe(true);
    expect(access.audit.filter(({ resource }) => resource === 'pods/proxy')).toHaveLength(control.length);
    expect(access.audit).toContainEqual({
      verb: 'create',
      resource: 'pods/proxy',
      namespace: 'shop',
      name: 'web-abc-1',
    });
  });

  it('try each different way once, with TLS where the workload has it', async () => {
    const specs: Record<string, object> = {
      a: { target: 'dns:///greeter:80' },
      b: { target: 'dns:///greeter:80' },
      c: {
        target: 'kubernetes:///teller.bank',
        tls: { ca: 'PEM' },
        method: 'health-watch',
        methodPath: '/a.B/C',
      },
      d: { target: '10.96.0.7:81' },
      stopped: { target: 'dns:///other:1' },
    };
    kube.on(`GET ${CONTROL}/workloads`, (_, response) =>
      json(
        response,
        200,
        Object.keys(specs).map((id) => ({ id, running: id !== 'stopped' })),
      ),
    );
    for (const [id, spec] of Object.entries(specs))
      kube.on(`GET ${CONTROL}/workloads/${id}/spec`, (_, response) => json(response, 200, { id, ...spec }));
    await gatherFacts(access, SHOP, { controlToken });
    const further = [{ address: '10.0.0.2', port: 50051 }];
    expect(probed()).toHaveLength(3);
    expect(probed()).toEqual(
      expect.arrayContaining([
        { host: 'greeter', port: 80, further },
        { host: 'teller.bank', port: 443, further: [], tls: { ca: 'PEM' } },
        { host: '10.96.0.7', port: 81, further },
      ]),
    );
  });

  it('try what they are set to dial, where they have no workload', async () => {
    kube.on(`GET ${CONTROL}/workloads`, (_, response) => json(response, 200, []));
    await gatherFacts(access, SHOP, { controlToken });
    expect(probed()).toEqual([
      { host: 'greeter', port: 80, further: [{ address: '10.0.0.2', port: 50051 }] },
    ]);
  });

  it('are asked three at the most, and only such as run', async () => {
    const put = (name: string, more: object = {}) => {
      const pod = shopPod(name, { labels: { app: 'web' }, owner: 'web-abc' });
      kube.put(at('pods', 'shop'), { ...pod, ...more });
    };
    put('web-abc-1', { status: { phase: 'Pending' } });
    for (const index of [2, 3, 4, 5]) put(`web-abc-${index}`);
    const { clients, unseen } = await gatherFacts(access, SHOP, { controlToken });
    expect(clients.map(({ pod }) => pod)).toEqual(['web-abc-2', 'web-abc-3', 'web-abc-4']);
    // The others are no lab's: what they answer is something else.
    expect(unseen).toContainEqual({
      what: 'the workloads of web-abc-2',
      why: 'what web-abc-2 answers to GET /workloads is not understood',
    });
  });

  it('that cannot be reached, or do not know what is asked, are said so', async () => {
    kube.on(`GET ${CONTROL}/process`, (_, response) =>
      json(response, 404, { error: 'there is nothing at /process' }),
    );
    kube.on(`POST ${CONTROL}/probes/path`, refuse(503, 'no route to host'));
    const { clients, probes, unseen } = await gatherFacts(access, SHOP, { controlToken });
    expect(clients[0]).toMatchObject({ sockets: { states: { ESTABLISHED: 1 } }, process: undefined });
    expect(probes).toEqual([]);
    expect(unseen).toEqual([
      {
        what: 'the process of web-abc-1',
        why: 'web-abc-1 answered 404 to GET /process: there is nothing at /process',
      },
      {
        what: 'the way to greeter:80 from web-abc-1',
        why: 'web-abc-1 answered 503 to POST /probes/path: no route to host',
      },
    ]);
  });

  it('that do not answer do not keep the others, nor the whole', async () => {
    kube.on(`POST ${CONTROL}/probes/path`, () => {});
    const short = await readingAccess(kube.api.kubeConfig, { signal: never, totalMs: 2500 });
    const { clients, unseen } = await gatherFacts(short, SHOP, { controlToken });
    expect(clients).toHaveLength(1);
    expect(unseen).toEqual([
      { what: 'the way to greeter:80 from web-abc-1', why: 'the time for looking was over' },
    ]);
  });

  it('are not asked without the token', async () => {
    const { clients, unseen } = await gatherFacts(access, SHOP, {
      controlToken: () => Promise.reject(new Error('the token cannot be read')),
    });
    expect(clients).toEqual([]);
    expect(unseen).toEqual([
      { what: expect.stringMatching(/^the way of a call/), why: 'the token cannot be read' },
    ]);
  });

  it('are not waited for where the token does not come', async () => {
    const short = await readingAccess(kube.api.kubeConfig, { signal: never, totalMs: 2500 });
    const { unseen } = await gatherFacts(short, SHOP, { controlToken: () => new Promise(() => {}) });
    expect(unseen.map(({ why }) => why)).toEqual(['the time for looking was over']);
  });

  it('of which none runs are missed', async () => {
    kube.remove(at('pods', 'shop'), 'web-abc-1');
    const { unseen } = await gatherFacts(access, SHOP, { controlToken });
    expect(unseen).toContainEqual({
      what: 'the way of a call from the client',
      why: 'none of its pods runs',
    });
  });
});
