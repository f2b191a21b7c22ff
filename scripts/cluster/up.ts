// lab:up as a list of steps, read top to bottom. What does not depend on each other overlaps.
import { join } from 'node:path';
import { LabError } from '../common/errors.ts';
import { runSteps, type Step, type StepTime } from '../common/steps.ts';
import { type ClusterApi, connect } from './api.ts';
import { apply, deleteRun } from './apply.ts';
import { mendDns } from './break-dns.ts';
import type { ClusterConfig } from './config.ts';
import { type BuiltImage, type Bundle, bundleImages } from './images.ts';
import { type Lab, linkDefaultKubeconfig, readState } from './lab.ts';
import { isDeployment, LAB_SELECTOR, type Manifest, readManifests } from './manifests.ts';
import type { NodeFailure, Ownership, Problem, Provider, Work } from './provider.ts';
import { deploymentsReady, nodesReady, systemPodsReady } from './ready.ts';
import { ensureToken } from './token.ts';

/** A lab that is up: every node and pod Ready. */
export type StartedLab = {
  lab: Lab;
  api: ClusterApi;
  images: BuiltImage[];
  manifests: Manifest[];
  /** Fields in them that have no effect on this provider, each with the reason. */
  withoutEffect: string[];
  /** Undefined where nodes cannot be stopped. */
  nodes: NodeFailures | undefined;
  times: StepTime[];
};

/** Nodes that fail. What is left so by a run that was killed, the next lab:up or experiment mends. */
export type NodeFailures = {
  fail: (node: string, failure: NodeFailure) => Promise<void>;
  /** All of them that fail. Returns when every node is Ready, as it is too while nobody has noticed that it failed. */
  mend: () => Promise<void>;
};

export type UpOptions = { provider: Provider; config: ClusterConfig; onProblem: (problem: Problem) => void };

/**
 * Brings a lab up, or what it lacks.
 *
 * @throws LabError `prerequisite` when the machine cannot hold it, `usage` when a cluster of that name is not the
 * lab's or has another shape, `failed` when a step fails.
 */
export async function up(lab: Lab, options: UpOptions, signal: AbortSignal): Promise<StartedLab> {
  const { provider, config } = options;
  const { buildImages } = provider;
  const found = await inspect(lab, options);
  let bundle: Bundle = { dir: '', images: [] };
  let manifests: Manifest[] = [];
  const api = lazy(() => connect(lab.kubeconfig));

  const cluster: Step =
    found === 'ours'
      ? { name: 'cluster', title: 'Find the cluster', run: (work) => provider.resume(lab, work) }
      : { name: 'cluster', title: 'Create the cluster', run: (work) => recreate(lab, options, found, work) };

  const steps: Step[] = [
    cluster,
    {
      name: 'bundle',
      title: 'Bundle the services',
      run: async (work) => {
        bundle = await bundleImages(join(lab.dir, 'build'), work.signal);
        manifests = await readManifests(bundle.images);
        return undefined;
      },
    },
    ...(buildImages
      ? [
          {
            name: 'build',
            title: 'Build the images',
            after: ['bundle'],
            run: (work: Work) => buildImages(bundle, work.signal),
          },
        ]
      : []),
    {
      name: 'load',
      title: 'Load the images',
      after: [buildImages ? 'build' : 'bundle'],
      run: (work) => provider.loadImages(lab, config, bundle, work),
    },
    {
      name: 'objects',
      title: 'Apply the namespace and Services',
      after: ['cluster', 'bundle'],
      run: async () => {
        await linkDefaultKubeconfig(lab);
        const left = found === 'ours' ? await deleteRun(api()) : [];
        const others = manifests.filter((manifest) => !isDeployment(manifest));
        await apply(
          api(),
          others.filter(({ kind }) => kind === 'Namespace'),
        );
        await ensureToken(api());
        await apply(
          api(),
          others.filter(({ kind }) => kind !== 'Namespace'),
        );
        return left.length > 0 ? `deleted what an interrupted run left (${left.join(', ')})` : undefined;
      },
    },
    {
      name: 'nodes',
      title: 'Nodes Ready',
      after: ['cluster'],
      run: (work) => nodesReady(api(), config.controlPlanes + config.workers, work),
    },
    {
      // Applied before every node is Ready, all pods would land on the first one that is.
      name: 'deploy',
      title: 'Apply the Deployments',
      after: ['objects', 'nodes', 'load'],
      run: async () => {
        await apply(api(), manifests.filter(isDeployment));
        return undefined;
      },
    },
    {
      name: 'pods',
      title: 'Pods Ready',
      after: ['deploy'],
      run: (work) => deploymentsReady(api(), LAB_SELECTOR, work),
    },
    ...(found === 'ours'
      ? [
          {
            name: 'dns',
            title: 'Find DNS as it was',
            after: ['nodes'],
            run: async () =>
              (await mendDns(api())) ? 'mended: an interrupted run had broken it' : undefined,
          },
        ]
      : []),
    ...(provider.capabilities.has('system-pods')
      ? [
          {
            name: 'system',
            title: 'System pods Ready',
            after: ['nodes', ...(found === 'ours' ? ['dns'] : [])],
            run: (work: Work) => systemPodsReady(api(), work),
          },
        ]
      : []),
  ];
  const times = await runSteps(steps, signal);
  return {
    lab,
    api: api(),
    images: bundle.images,
    manifests,
    withoutEffect: (await provider.withoutEffect?.(manifests)) ?? [],
    nodes: nodeFailures(lab, provider, api(), config.controlPlanes + config.workers),
    times,
  };
}

function nodeFailures(
  lab: Lab,
  { failNode, resume }: Provider,
  api: ClusterApi,
  nodes: number,
): NodeFailures | undefined {
  if (failNode === undefined) return undefined;
  return {
    fail: (node, failure) => failNode(lab, node, failure),
    mend: async () => {
      // Also after Ctrl-C.
      const work = { say: () => {}, signal: new AbortController().signal };
      await resume(lab, work);
      await nodesReady(api, nodes, work);
    },
  };
}

/** What is there, and whether it may be touched. */
async function inspect(lab: Lab, { provider, config, onProblem }: UpOptions): Promise<Ownership> {
  const [engineProblems, found, state] = await Promise.all([
    provider.preflight(config, false),
    provider.ownership(lab),
    readState(lab),
  ]);
  if (found === 'foreign') throw notOurs(lab, provider);
  if (found === 'ours' && state && state.configHash !== config.hash) {
    throw new LabError(
      'usage',
      `the lab "${lab.name}" is up with another kind.yaml or number of control planes`,
      {
        hint: `Run lab:down first, then lab:up again; or give another --name.`,
      },
    );
  }
  const problems = found === 'ours' ? engineProblems : await provider.preflight(config, true);
  for (const problem of problems.filter(({ severity }) => severity === 'warning')) onProblem(problem);
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) {
    throw new LabError('prerequisite', errors.map(({ what }) => what).join('\n       '), {
      hint: errors.map(({ hint }) => hint).join('\n'),
    });
  }
  return found;
}

export const notOurs = (lab: Lab, provider: Provider): LabError =>
  new LabError('usage', `there is a cluster "${lab.name}" that this lab did not make: it is not touched`, {
    hint: `Give the lab another name with --name, or delete that cluster yourself: ${provider.foreignHint(lab)}`,
  });

async function recreate(
  lab: Lab,
  { provider, config }: UpOptions,
  found: Ownership,
  work: Work,
): Promise<string> {
  if (found === 'partial') {
    work.say('deleting what an interrupted lab:up left');
    await provider.delete(lab, work.signal);
  }
  return provider.create(lab, config, work);
}

function lazy<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
