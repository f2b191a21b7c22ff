// Who may do what: tokens of service accounts, and the roles they have.
import type { V1RoleBinding } from '@kubernetes/client-node';
import { expect } from 'vitest';
import { area, pathIn, type Space, until } from './support.ts';
import { agentIn, readyPod, runPod } from './workloads.ts';

const TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** A pod of its own service account, which may get, list and watch EndpointSlices: what a resolver in a pod needs. */
async function resolver(space: Space, name: string) {
  await space.create('serviceaccounts', { metadata: { name } });
  await space.create('roles', {
    metadata: { name },
    rules: [
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['get', 'list', 'watch'] },
    ],
  });
  const binding: V1RoleBinding = {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace: space.name }],
  };
  await space.create('rolebindings', binding);
  await runPod(space, name, { pod: { serviceAccountName: name, automountServiceAccountToken: true } });
  await readyPod(space, name);
  const pod = agentIn(space, name);
  return { pod, http: space.httpAs((await pod.file(TOKEN)) as string) };
}

export const access = area('access', (contract) => {
  contract('a pod’s token may do what its role says, and nothing else', async (space) => {
    const { http } = await resolver(space, 'narrow');
    const slices = space.path('endpointslices');
    await until('the role', async () => expect((await http('GET', slices)).status).toBe(200));
    expect((await http('GET', `${slices}/nope`)).status).toBe(404);
    const watched = await http('GET', slices, { query: { watch: true, timeoutSeconds: 1 } });
    expect(watched.status).toBe(200);

    const refused = await http('GET', space.path('pods'));
    expect(refused.status).toBe(403);
    expect(refused.body).toMatchObject({
      reason: 'Forbidden',
      message:
        `pods is forbidden: User "system:serviceaccount:${space.name}:narrow" cannot list resource "pods" ` +
        `in API group "" in the namespace "${space.name}"`,
    });
    const body = { metadata: { name: 'x' }, addressType: 'IPv4', endpoints: [], ports: [] };
    expect((await http('POST', slices, { body })).status).toBe(403);
    expect((await http('DELETE', `${slices}/nope`)).status).toBe(403);
    expect((await http('GET', space.path('secrets', 'nope'))).status).toBe(403);
    expect((await http('GET', pathIn('default', 'endpointslices'))).status).toBe(403);
    expect((await http('GET', '/apis/discovery.k8s.io/v1/endpointslices')).status).toBe(403);
    expect((await http('GET', '/api/v1/nodes')).status).toBe(403);
  });

  contract('a role that is taken away is gone at once', async (space) => {
    const { http } = await resolver(space, 'former');
    const slices = space.path('endpointslices');
    await until('the role', async () => expect((await http('GET', slices)).status).toBe(200));
    await space.remove('rolebindings', 'former');
    await until('no role', async () => expect((await http('GET', slices)).status).toBe(403), 5_000);
  });

  contract('a program in a pod reaches the API by its environment, token and certificate', async (space) => {
    const { pod } = await resolver(space, 'inside');
    await until('the role', async () => expect(await pod.kubernetes(space.path('endpointslices'))).toBe(200));
    expect(await pod.kubernetes(space.path('pods'))).toBe(403);
    const mounted = '/var/run/secrets/kubernetes.io/serviceaccount';
    expect(await pod.file(`${mounted}/namespace`)).toBe(space.name);
    expect(await pod.file(`${mounted}/ca.crt`)).toContain('BEGIN CERTIFICATE');
  });

  contract('a pod without automount has no token', async (space) => {
    await runPod(space, 'bare');
    await readyPod(space, 'bare');
    expect(await agentIn(space, 'bare').file(TOKEN)).toBe('ENOENT');
  });

  contract('nobody, and a token that nobody has, get nothing', async (space) => {
    const wrong = await space.httpAs('not-a-token')('GET', space.path('pods'));
    expect(wrong.status).toBe(401);
    expect(wrong.body).toMatchObject({ kind: 'Status', reason: 'Unauthorized', code: 401 });
    // Where anonymous requests are let in, they may do nothing.
    expect([401, 403]).toContain((await space.httpAs()('GET', space.path('pods'))).status);
  });
});
