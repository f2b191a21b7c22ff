// Image pulls as the kubelet makes them, but that there is nowhere to pull from: an image is there, or it is not.
import type { Container } from './env.ts';
import { type Image, ImageNameError, type ImageStore, imageName } from './images.ts';
import { createBackOff } from './waiting.ts';

type Pulling = {
  images: ImageStore;
  container: () => Container;
  wait: (reason: string, message: string) => void;
  event: (type: 'Normal' | 'Warning', reason: string, text: string) => void;
  /** Ends early when the container is stopped or wants another image. */
  pause: (ms: number) => Promise<void>;
  isStopping: () => boolean;
};

/** As often as the kubelet looks again at what it need not wait longer for. */
const SYNC_MS = 10_000;

/** Waits for the image for as long as it takes. @returns undefined when the container is stopped meanwhile. */
export async function pull(pulling: Pulling): Promise<Image | undefined> {
  const { images, container, wait, event, pause, isStopping } = pulling;
  const backOff = createBackOff();
  while (!isStopping()) {
    const { image = '', imagePullPolicy } = container();
    let found: Image | undefined;
    try {
      found = images.find(image);
    } catch (error) {
      if (!(error instanceof ImageNameError)) throw error;
      const text = `Failed to apply default image tag "${image}": ${error.message}`;
      event('Warning', 'InspectFailed', text);
      event('Warning', 'Failed', 'Error: InvalidImageName');
      wait('InvalidImageName', text);
      await pause(SYNC_MS);
      continue;
    }
    const policy = imagePullPolicy ?? (/:latest$/.test(imageName(image)) ? 'Always' : 'IfNotPresent');
    if (found && policy !== 'Always') {
      event('Normal', 'Pulled', `Container image "${image}" already present on machine`);
      return found;
    }
    if (policy === 'Never') {
      const text = `Container image "${image}" is not present with pull policy of Never`;
      event('Warning', 'ErrImageNeverPull', text);
      event('Warning', 'Failed', 'Error: ErrImageNeverPull');
      wait('ErrImageNeverPull', text);
      await pause(SYNC_MS);
      continue;
    }
    const failure = noRegistry(image);
    event('Normal', 'Pulling', `Pulling image "${image}"`);
    event('Warning', 'Failed', `Failed to pull image "${image}": ${failure}`);
    event('Warning', 'Failed', 'Error: ErrImagePull');
    wait('ErrImagePull', failure);
    const endMs = performance.now() + backOff.next(performance.now(), { atOnce: false });
    // The kubelet shows the failure until it next looks at the pod, a second or so later.
    await pause(SHOWN_MS);
    const isWanted = () => !isStopping() && container().image === image;
    const hasCome = () => policy !== 'Always' && images.find(image) !== undefined;
    while (isWanted() && !hasCome() && performance.now() < endMs) {
      event('Normal', 'BackOff', `Back-off pulling image "${image}"`);
      event('Warning', 'Failed', 'Error: ImagePullBackOff');
      wait('ImagePullBackOff', `Back-off pulling image "${image}": ErrImagePull: ${failure}`);
      await pause(Math.min(SYNC_MS, endMs - performance.now()));
    }
  }
  return undefined;
}

const SHOWN_MS = 1000;

function noRegistry(image: string): string {
  const name = imageName(image);
  const why = 'the embedded provider has no registry, only the images that the lab has loaded';
  return `failed to pull and unpack image "${name}": failed to resolve reference "${name}": ${why}`;
}
