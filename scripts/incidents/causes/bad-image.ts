import type { Incident } from '../incident.ts';
import { failsWith } from '../symptoms/expectations.ts';
import { containerOf } from '../world.ts';

const expect = {
  connected: failsWith('UNAVAILABLE'),
  fresh: failsWith('UNAVAILABLE', /Name resolution failed/),
};

export default {
  name: 'bad-image',
  order: 9,
  symptom: 'UNAVAILABLE since the last deploy; pods show ErrImagePull, ImagePullBackOff or InvalidImageName.',
  cause: 'The image cannot be had: it is not there, its name is no name, or a local one is pulled.',
  underneath:
    'A container is created only when its image is on the node. imagePullPolicy Always asks the registry even when it is: an image that was loaded into the node by hand (`kind load`) is then never found. The same happens to the tag latest, whose default is Always.',
  confirm: ({ namespace }) => [
    {
      command: `kubectl -n ${namespace} get pods`,
      shows: 'ErrImagePull, ImagePullBackOff or InvalidImageName',
    },
    {
      command: `kubectl -n ${namespace} get events --field-selector reason=Failed`,
      shows: 'what the container runtime was answered',
    },
  ],
  fix: 'Name an image that exists, with its tag; for images that are loaded into nodes: imagePullPolicy IfNotPresent and a tag other than latest.',
  prevent: ['Tags by content (a hash), pushed before they are deployed', 'kube-linter `latest-tag`'],
  variants: {
    'missing-tag': {
      about: 'the tag does not exist',
      change({ server }) {
        containerOf(server).image = 'grpc-kind-lab/greeter-server:v2.0.1';
      },
      expect,
    },
    'invalid-name': {
      about: 'the name of the image is no name: it has capital letters',
      change({ server }) {
        containerOf(server).image = 'grpc-kind-lab/Greeter-Server:v2';
      },
      expect,
    },
    'pull-always': {
      about: 'imagePullPolicy is Always, and the image is on the nodes alone',
      change({ server }) {
        containerOf(server).imagePullPolicy = 'Always';
      },
      expect,
    },
  },
} satisfies Incident;
