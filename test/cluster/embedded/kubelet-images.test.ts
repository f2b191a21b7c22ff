import { expect, it } from 'vitest';
import { imageName } from '../../../scripts/cluster/embedded/kubelet/images.ts';
import { useKubelet } from './kubelet-harness.ts';

const lab = useKubelet(8);
const waiting = (name: string) => lab.status(name)?.state?.waiting;

it.each([
  ['IfNotPresent', 'lab/none:1', 'ErrImagePull', 'ImagePullBackOff'],
  ['Always', 'lab/program:1', 'ErrImagePull', 'ImagePullBackOff'],
  ['Never', 'lab/none:1', 'ErrImageNeverPull', 'ErrImageNeverPull'],
  ['IfNotPresent', 'Not an image', 'InvalidImageName', 'InvalidImageName'],
])('with imagePullPolicy %s of %s waits with %s, then %s', async (imagePullPolicy, image, first, then) => {
  const name = `pulls-${imagePullPolicy}-${then}`.toLowerCase();
  const reasons = new Set<string | undefined>();
  lab.store.listen(({ resource, object }) => {
    if (resource !== 'pods') return;
    reasons.add(
      (object as ReturnType<typeof lab.get>).status?.containerStatuses?.[0]?.state?.waiting?.reason,
    );
  });
  await lab.pod(name, { image, imagePullPolicy });
  await lab.until(name, () => waiting(name)?.reason === then);
  expect([...reasons]).toContain(first);
  expect(lab.get(name).status?.phase).toBe('Pending');
  const events = lab.events(name);
  if (then === 'ImagePullBackOff') {
    expect(waiting(name)?.message).toMatch(
      `Back-off pulling image "${image}": ErrImagePull: failed to pull and unpack image "docker.io/${image}": `,
    );
    expect(events).toEqual(
      expect.arrayContaining([
        `Pulling: Pulling image "${image}"`,
        expect.stringMatching(`^Failed: Failed to pull image "${image}": failed to pull and unpack`),
        'Failed: Error: ErrImagePull',
        `BackOff: Back-off pulling image "${image}"`,
        'Failed: Error: ImagePullBackOff',
      ]),
    );
  }
  if (then === 'ErrImageNeverPull') {
    const text = `Container image "${image}" is not present with pull policy of Never`;
    expect(waiting(name)?.message).toBe(text);
    expect(events).toEqual(expect.arrayContaining([`ErrImageNeverPull: ${text}`]));
  }
  if (then === 'InvalidImageName') {
    const text = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`;
    expect(waiting(name)?.message).toBe(text);
    expect(events.sort()).toEqual(['Failed: Error: InvalidImageName', `InspectFailed: ${text}`]);
  }
  lab.remove(name, 30);
  await lab.gone(name);
});

it('runs another image in the same pod when the pod gets one', async () => {
  await lab.image('console.log("second"); setInterval(() => {}, 1000)', 'lab/program:2');
  await lab.pod('changes');
  await lab.ready('changes');
  const { podIP } = lab.get('changes').status ?? {};
  lab.store.update('pods', 'ns', 'changes', (pod) => ({
    ...pod,
    spec: { ...pod.spec, containers: [{ name: 'main', image: 'lab/program:2' }] } as typeof pod.spec & object,
  }));
  await lab.logged('changes', 'second');
  expect(lab.status('changes')).toMatchObject({ restartCount: 1, image: 'docker.io/lab/program:2' });
  expect(lab.get('changes').status?.podIP).toBe(podIP);
  expect(lab.events('changes')).toContain('Killing: Container main definition changed, will be restarted');
});

it.each([
  ['a', 'docker.io/library/a:latest'],
  ['A/b', 'A/b:latest'],
  ['grpc-kind-lab/greeter-server:dev', 'docker.io/grpc-kind-lab/greeter-server:dev'],
  ['docker.io/a/b', 'docker.io/a/b:latest'],
  ['localhost/a', 'localhost/a:latest'],
  ['registry.example:5000/a/b:1.2', 'registry.example:5000/a/b:1.2'],
  [`a/b@sha256:${'0'.repeat(64)}`, `docker.io/a/b@sha256:${'0'.repeat(64)}`],
])('calls %s %s', (ref, name) => expect(imageName(ref)).toBe(name));

it.each([
  '',
  'a/B',
  'a b',
  'a:',
  'a/../b',
  '../a',
  'a/',
  '/a',
  'a//b',
  'a@sha256:1',
  'a:b:c',
  'a/.:x',
  'docker.io/',
])('takes %j for no name', (ref) =>
  expect(() => imageName(ref)).toThrow(`couldn't parse image name "${ref}": invalid reference format`),
);

it('runs a pod as soon as its image is there', async () => {
  await lab.pod('waits', { image: 'lab/late:1' });
  await lab.until('waits', () => waiting('waits')?.reason === 'ErrImagePull');
  await lab.image('setInterval(() => {}, 1000)', 'lab/late:1');
  await lab.ready('waits');
});

it('takes another image under the same name from the next start on', async () => {
  await lab.image(
    'console.log("old"); process.on("SIGUSR2", () => process.exit(1)); console.log(process.pid); setInterval(() => {}, 1000)',
    'lab/moves:1',
  );
  await lab.pod('moves', { image: 'lab/moves:1' });
  const log = await lab.logged('moves', /\d+\n/);
  const { imageID } = lab.status('moves') ?? {};
  await lab.image('console.log("new"); setInterval(() => {}, 1000)', 'lab/moves:1');
  process.kill(Number(log.split('\n')[1]), 'SIGUSR2');
  await lab.logged('moves', 'new');
  expect(lab.status('moves')?.imageID).not.toBe(imageID);
});
