import type { Rule } from '../rule.ts';
import { type ContainerView, hasReady, type PodView, serversOf } from '../situation/index.ts';
import { shorten } from '../words.ts';
import { firstOf, kubectl, servicesOf, workloadRef } from './say.ts';
import { endpointsEvidence } from './selector-mismatch.ts';

/** Reasons for which the kubelet has no image. Source: kubernetes/kubernetes, pkg/kubelet/images/types.go. */
const NO_IMAGE = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
]);

/** Pods cannot start: their image cannot be had. */
export const badImage: Rule = {
  cause: 'bad-image',
  judge: (situation) =>
    firstOf(servicesOf(situation), (service) =>
      firstOf(serversOf(service), (pod) => {
        const container = pod.containers.find(
          ({ state }) => state.kind === 'waiting' && NO_IMAGE.has(state.reason),
        );
        if (container?.state.kind !== 'waiting') return undefined;
        const { reason, message } = container.state;
        const event = pod.events.findLast(({ message: said }) => /pull|image/i.test(said));
        return {
          cause: 'bad-image',
          certainty: hasReady(service) ? 'likely' : 'certain',
          summary: `pods behind the Service ${service.name} cannot start: ${reason} of ${container.image}`,
          evidence: [
            {
              fact: `Pod ${pod.ref} container ${container.name} state`,
              value: shorten(`${reason}: ${message || event?.message || ''}`),
              says: `the image ${container.image} cannot be had (imagePullPolicy ${container.imagePullPolicy ?? 'by its tag'})`,
            },
            ...(event
              ? [{ fact: `event of Pod ${pod.ref}`, value: shorten(event.message), says: 'why it cannot' }]
              : []),
            ...endpointsEvidence(service),
          ],
          fix: fixOf(pod, container, reason),
        };
      }),
    ),
};

function fixOf(pod: PodView, container: ContainerView, reason: string): string {
  const image = kubectl(
    pod.namespace,
    `set image ${workloadRef(pod)} ${container.name}=<an image that exists>`,
  );
  if (reason === 'ErrImageNeverPull')
    return `load ${container.image} into the node, or take imagePullPolicy: IfNotPresent; else ${image}`;
  if (container.imagePullPolicy === 'Always')
    return `${image}; where the image was loaded into the node by hand, set imagePullPolicy: IfNotPresent`;
  return image;
}
