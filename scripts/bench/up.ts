// lab:up from nothing beside a bare `kind create cluster` with the same kind.yaml, in alternating pairs.
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from 'simple-statistics';
import { $ } from 'zx';
import {
  chooseNodeImage,
  connect,
  kindProvider,
  labNamed,
  nodesReady,
  ROOT,
  readClusterConfig,
  systemPodsReady,
} from '../cluster/index.ts';
import { formatDuration } from '../common/duration.ts';

const quiet = $({ cwd: ROOT, quiet: true });

/** Prints each pair, and the ratio of the medians. */
export async function benchUp(pairs: number, signal: AbortSignal): Promise<void> {
  const bare: number[] = [];
  const whole: number[] = [];
  const again: number[] = [];
  const down: number[] = [];
  for (let pair = 1; pair <= pairs; pair += 1) {
    signal.throwIfAborted();
    bare.push(await bareCreate(signal));
    await forgetImages();
    const lab = async (script: string) => seconds(() => quiet`npm run -s ${script} -- --name bench-lab`);
    whole.push(await lab('lab:up'));
    again.push(await lab('lab:up'));
    down.push(await lab('lab:down'));
    const [a, b] = [bare.at(-1) ?? 0, whole.at(-1) ?? 0];
    print(
      `pair ${pair}: bare ${formatDuration(a)}, lab:up ${formatDuration(b)}, ratio ${(b / a).toFixed(2)}`,
    );
  }
  print(`lab:up ÷ bare kind create, medians: ${(median(whole) / median(bare)).toFixed(2)}`);
  print(`lab:up when up: ${again.map(formatDuration).join(', ')}`);
  print(`lab:down: ${down.map(formatDuration).join(', ')}`);
}

/** Until all nodes and system pods are Ready, as lab:up counts. */
async function bareCreate(signal: AbortSignal): Promise<number> {
  const lab = labNamed('bench-bare');
  const config = await readClusterConfig(lab);
  const kubeconfig = join(tmpdir(), `kubeconfig-bench-${process.pid}`);
  const work = { say: () => {}, signal };
  const { image } = await chooseNodeImage(process.env.LAB_NODE_IMAGE, work);
  try {
    return await seconds(async () => {
      const create = $({ cwd: ROOT, quiet: true, input: config.yaml });
      await create`kind create cluster --config - --image ${image} --kubeconfig ${kubeconfig}`;
      const api = connect(kubeconfig);
      await nodesReady(api, config.controlPlanes + config.workers, work);
      await systemPodsReady(api, work);
    });
  } finally {
    await kindProvider().delete({ ...lab, kubeconfig }, new AbortController().signal);
    await rm(kubeconfig, { force: true });
  }
}

/** So that they are built again. */
async function forgetImages(): Promise<void> {
  const { stdout } = await quiet`docker images --quiet --filter reference=grpc-kind-lab/*`;
  const ids = [...new Set(stdout.split('\n').filter(Boolean))];
  if (ids.length > 0) await quiet`docker rmi --force ${ids}`;
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
