// What Kubernetes takes and this provider cannot do, where not the field says so but its value: refused by name.
import { unservablePorts } from '../cluster-ip.ts';
import { unsupported } from '../errors.ts';
import type { KubeObject, RoleBinding, Secret, Service } from '../objects.ts';
import type { Resource } from '../resources.ts';
import { isKnownSubject } from './access.ts';

const TOKEN_SECRET = 'kubernetes.io/service-account-token';

/** @param object of the right types: `assertFields` has been there. @throws ApiError 400. */
export function assertSupported({ name }: Resource, object: KubeObject): void {
  if (name === 'services') {
    const low = unservablePorts(object as Service);
    if (low.length > 0)
      throw unsupported(`a Service port below 1024 (${low.join(', ')}), which takes root to listen on,`);
  }
  if (name === 'rolebindings') {
    const stranger = (object as RoleBinding).subjects?.find(
      (subject) => subject.kind && !isKnownSubject(subject),
    );
    if (stranger) throw unsupported(`the subject ${stranger.kind} "${stranger.name}", which nobody is here,`);
  }
  if (name === 'secrets' && (object as Secret).type === TOKEN_SECRET)
    throw unsupported(`a Secret of type ${TOKEN_SECRET}, which would never get its token,`);
}
