// A lab's name, its folder, and what is remembered of it between commands.
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { LabError } from '../common/errors.ts';

/** The repository's root; the lab's own files are found from it, whatever the current folder. */
export const ROOT = resolve(import.meta.dirname, '../..');

/** Namespace of everything that the lab deploys. */
export const NAMESPACE = 'grpc-kind-lab';

/** Name of the lab, and of its cluster, where none is given. */
export const DEFAULT_LAB = 'grpc-kind-lab';

/** Label of the lab's nodes: it tells a cluster that this tool made from one that has the same name. */
export const LAB_LABEL = 'grpc-kind-lab.dev/lab';

export type Lab = {
  name: string;
  /** `.lab/<name>/` */
  dir: string;
  kubeconfig: string;
};

export const labRoot = (): string => join(ROOT, '.lab');

/**
 * @throws LabError `usage` on a name that a node's host name could not carry.
 */
export function labNamed(name: string): Lab {
  // Node containers are called <name>-control-plane2: with the longest suffix it must fit into 63 characters.
  if (!/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name)) {
    throw new LabError('usage', `"${name}" cannot be a lab's name`, {
      hint: 'Use up to 40 lower-case letters, digits and dashes.',
    });
  }
  const dir = join(labRoot(), name);
  return { name, dir, kubeconfig: join(dir, 'kubeconfig') };
}

const LabState = z.object({
  /** `creating` stays when a lab:up was cut off: what it left is deleted by the next one. */
  phase: z.enum(['creating', 'created']),
  provider: z.enum(['kind', 'embedded']),
  /** Of kind's nodes. */
  nodeImage: z.string().optional(),
  /** As asked for with --control-planes; absent: as in kind.yaml. Later commands mean the same cluster. */
  controlPlanes: z.int().optional(),
  /** Of the cluster's configuration as created, to tell when kind.yaml has changed since. */
  configHash: z.string(),
  createdAt: z.string(),
  /** Nodes that a run has cut off from the network, until they are mended. */
  partitioned: z.array(z.string()).optional(),
});
export type LabState = z.infer<typeof LabState>;

/** What is remembered of a lab; undefined when nothing, or nothing that can be read, is. */
export async function readState(lab: Lab): Promise<LabState | undefined> {
  try {
    return LabState.parse(JSON.parse(await readFile(statePath(lab), 'utf8')));
  } catch {
    return undefined;
  }
}

export async function writeState(lab: Lab, state: LabState): Promise<void> {
  await mkdir(lab.dir, { recursive: true });
  // Whole, or as it was: it is written in the middle of runs, which may be killed.
  const written = `${statePath(lab)}.new`;
  await writeFile(written, `${JSON.stringify(state, null, 2)}\n`);
  await rename(written, statePath(lab));
}

/** Forgets a lab: its folder, and the default kubeconfig where it is this lab's. Runs are kept. */
export async function forgetLab(lab: Lab): Promise<void> {
  await rm(lab.dir, { recursive: true, force: true });
  if (lab.name === DEFAULT_LAB) await rm(defaultKubeconfig(), { force: true });
}

/** Names of the labs that have a folder. */
export async function rememberedLabs(): Promise<string[]> {
  if (!existsSync(labRoot())) return [];
  const entries = await readdir(labRoot(), { withFileTypes: true });
  return entries
    .filter((entry) => existsSync(join(labRoot(), entry.name, 'lab.json')))
    .map((entry) => entry.name);
}

const defaultKubeconfig = () => join(labRoot(), 'kubeconfig');

/** Makes `.lab/kubeconfig` the default lab's. */
export async function linkDefaultKubeconfig(lab: Lab): Promise<void> {
  if (lab.name !== DEFAULT_LAB) return;
  await rm(defaultKubeconfig(), { force: true });
  await symlink(relative(dirname(defaultKubeconfig()), lab.kubeconfig), defaultKubeconfig());
}

const statePath = (lab: Lab) => join(lab.dir, 'lab.json');
