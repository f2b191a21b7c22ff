// Who asks, and whether they may: the lab's own token may do all, a service account what its Roles say.
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { ApiError, forbidden } from '../errors.ts';
import type { Role, RoleBinding } from '../objects.ts';
import type { Store } from '../store.ts';
import type { ResourceRequest } from './request.ts';

export type User =
  | { admin: true; name: string }
  | { admin: false; name: string; namespace: string; account: string };

export function createAccess(store: Store, adminToken: string) {
  const tokens = new Map<string, { namespace: string; account: string }>();
  const known = new Map<string, string>();

  return {
    /** The token of a service account, made when it is first asked for; it lives as long as the cluster. */
    tokenFor(namespace: string, account: string): string {
      const key = `${namespace}/${account}`;
      const token = known.get(key) ?? randomBytes(32).toString('base64url');
      known.set(key, token);
      tokens.set(token, { namespace, account });
      return token;
    },

    /** @throws ApiError 401. */
    authenticate({ authorization = '' }: IncomingHttpHeaders): User {
      const token = /^Bearer (.+)$/i.exec(authorization)?.[1] ?? '';
      if (same(token, adminToken)) return { admin: true, name: 'kubernetes-admin' };
      const owner = tokens.get(token);
      if (owner && store.get('serviceaccounts', owner.namespace, owner.account))
        return { admin: false, name: `system:serviceaccount:${owner.namespace}:${owner.account}`, ...owner };
      throw new ApiError(401, 'Unauthorized', 'Unauthorized');
    },

    /** @throws ApiError 403, in Kubernetes' words. */
    authorize(user: User, request: ResourceRequest): void {
      if (user.admin) return;
      const { verb, resource, namespace, name, subresource } = request;
      const wanted = subresource ? `${resource.name}/${subresource}` : resource.name;
      const allows = (role: Role) =>
        (role.rules ?? []).some(
          ({ apiGroups = [], resources = [], resourceNames = [], verbs }) =>
            has(apiGroups, resource.group) &&
            has(resources, wanted) &&
            has(verbs, verb) &&
            (resourceNames.length === 0 || resourceNames.includes(name)),
        );
      if (namespace !== '' && rolesOf(store, user, namespace).some(allows)) return;
      const where = namespace ? ` in the namespace "${namespace}"` : ' at the cluster scope';
      const what = resource.group ? `${resource.name}.${resource.group}` : resource.name;
      throw forbidden(
        `${what}${name ? ` "${name}"` : ''} is forbidden: User "${user.name}" cannot ${verb} resource "${wanted}" in API group "${resource.group}"${where}`,
      );
    },
  };
}

type Account = User & { admin: false };
type Subject = NonNullable<RoleBinding['subjects']>[number];

const ACCOUNTS = 'system:serviceaccounts';
const AUTHENTICATED = 'system:authenticated';

/** Whether it can be anybody: all that there are here are service accounts, and the lab's own user, who may do all. */
export const isKnownSubject = ({ kind, name }: Subject): boolean =>
  kind === 'ServiceAccount' ||
  (kind === 'User' && /^system:serviceaccount:[^:]+:[^:]+$/.test(name)) ||
  (kind === 'Group' && (name === AUTHENTICATED || name === ACCOUNTS || name.startsWith(`${ACCOUNTS}:`)));

/** @param home the namespace of the binding. */
function isMeant({ kind, name, namespace }: Subject, user: Account, home: string): boolean {
  if (kind === 'User') return name === user.name;
  if (kind === 'Group') return [AUTHENTICATED, ACCOUNTS, `${ACCOUNTS}:${user.namespace}`].includes(name);
  return kind === 'ServiceAccount' && name === user.account && (namespace ?? home) === user.namespace;
}

function rolesOf(store: Store, user: Account, namespace: string): Role[] {
  return store
    .list('rolebindings', namespace)
    .filter(({ subjects }) => subjects?.some((subject) => isMeant(subject, user, namespace)))
    .flatMap(({ roleRef }) =>
      roleRef.kind === 'Role' ? (store.get('roles', namespace, roleRef.name) ?? []) : [],
    );
}

const has = (list: readonly string[], value: string): boolean => list.includes(value) || list.includes('*');

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
