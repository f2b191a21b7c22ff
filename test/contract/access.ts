// Who may do what: tokens of service accounts, and the roles they have.
import type { RbacV1Subject, V1PolicyRule, V1RoleBinding } from '@kubernetes/client-node';
import { expect } from 'vitest';
import { area, pathIn, type Space, until } from './support.ts';
import { agentIn, readyPod, runPod } from './workloads.ts';

const TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** What a resolver in a pod needs. */
const RESOLVES: V1PolicyRule = {
  apiGroups: ['discovery.k8s.io'],
  resources: ['endpointslices'],
  verbs: ['get', 'list', 'watch'],
};

type Given = { rule?: V1PolicyRule; subject?: RbacV1Subject };

/** A pod of its own service account, and a role for it; it may resolve unless said. */
async function resolver(space: Space, name: string, { rule = RESOLVES, subject }: Given = {}) {
  await space.create('serviceaccounts', { metadata: { name } });
  await space.create('roles', { metadata: { name }, rules: [rule] });
  const binding: V1RoleBinding = {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: [subject ?? { kind: 'ServiceAccount', name, namespace: space.name }],
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

  contract('a role may be for all service accounts of a namespace', async (space) => {
    const rule = { apiGroups: [''], resources: ['configmaps'], verbs: ['list'] };
    const group = (of: string) => ({
      apiGroup: 'rbac.authorization.k8s.io',
      kind: 'Group',
      name: `system:serviceaccounts:${of}`,
    });
    const mine = await resolver(space, 'one-of-many', { rule, subject: group(space.name) });
    const maps = space.path('configmaps');
    await until('the role', async () => expect((await mine.http('GET', maps)).status).toBe(200));
    const rest = { rule: { ...rule, resources: ['secrets'] }, subject: group('elsewhere') };
    const others = await resolver(space, 'one-of-none', rest);
    // By now its token is known.
    await until('its group', async () => expect((await others.http('GET', maps)).status).toBe(200));
    expect((await others.http('GET', space.path('secrets'))).status).toBe(403);
  });

  contract('what is asked of a pod through the API takes the right to it', async (space) => {
    const rule = { apiGroups: [''], resources: ['pods/proxy'], verbs: ['get'] };
    const { http } = await resolver(space, 'looker', { rule });
    const path = `${space.path('pods', 'looker:8080')}/proxy/ready`;
    await until('the role', async () => expect((await http('GET', path)).status).toBe(200));
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      expect((await http(method, path)).status, method).toBe(403);
    }
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
