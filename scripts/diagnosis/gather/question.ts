// Whether what is asked about is there at all: a name that was mistyped is no incident.
import { LabError } from '../../common/errors.ts';
import { unknownName } from '../../common/nearest.ts';
import type { Question } from '../facts.ts';
import type { Access } from './access.ts';
import { WORKLOADS } from './client.ts';
import { ReadError } from './read-error.ts';
import { RESOURCES, type ResourceName } from './resources.ts';

/**
 * What may not be looked at is taken for granted.
 *
 * @throws LabError `usage` for a namespace, Service or client that is not there, with what is; `lost` when the API
 * server does not answer, `prerequisite` when it does not know who asks.
 */
export async function checkQuestion(access: Access, question: Question): Promise<void> {
  const { namespace, service, client } = question;
  const namespaces = [...new Set([namespace, client.namespace])];
  const [missing, noService, noClient] = await Promise.all([
    Promise.all(namespaces.map((name) => isMissing(access, 'namespaces', name))),
    service !== undefined && isMissing(access, 'services', service, namespace),
    isMissing(access, WORKLOADS[client.kind], client.name, client.namespace),
  ]);
  for (const [index, name] of namespaces.entries())
    if (missing[index]) throw await unknown(access, 'namespaces', name);
  if (service !== undefined && noService) throw await unknown(access, 'services', service, namespace);
  if (noClient) throw await unknown(access, WORKLOADS[client.kind], client.name, client.namespace);
}

async function isMissing(
  access: Access,
  resource: ResourceName,
  name: string,
  namespace?: string,
): Promise<boolean> {
  try {
    await access.get(resource, name, namespace);
    return false;
  } catch (error) {
    if (!(error instanceof ReadError)) throw error;
    const server = access.kubeConfig.getCurrentCluster()?.server;
    if (error.status === undefined)
      throw new LabError('lost', `${server}: ${error.message}`, { cause: error });
    if (error.status === 401)
      throw new LabError('prerequisite', `${server}: ${error.message}`, { cause: error });
    return error.status === 404;
  }
}

async function unknown(
  access: Access,
  resource: ResourceName,
  name: string,
  namespace?: string,
): Promise<LabError> {
  const there = await access.page(resource, { namespace }).then(
    ({ items }) => items.map(({ metadata }) => metadata?.name ?? ''),
    () => undefined,
  );
  const where = namespace ?? access.kubeConfig.getCurrentContext();
  return unknownName(RESOURCES[resource].kind, name, there, where);
}
