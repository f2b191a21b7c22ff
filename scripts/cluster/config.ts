// kind.yaml: read, checked before anything is created, and made into the configuration of one lab.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument, stringify } from 'yaml';
import { z } from 'zod';
import { LabError, messageOf } from '../common/errors.ts';
import { LAB_LABEL, type Lab, ROOT, readState } from './lab.ts';

const patches = z.array(z.string()).optional();
const jsonPatches = z.array(z.record(z.string(), z.unknown())).optional();

const PortMapping = z.strictObject({
  containerPort: z.int(),
  hostPort: z.int().optional(),
  listenAddress: z.string().optional(),
  protocol: z.string().optional(),
});

const Node = z.strictObject({
  role: z.enum(['control-plane', 'worker']).default('control-plane'),
  image: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  extraMounts: z.array(z.record(z.string(), z.unknown())).optional(),
  extraPortMappings: z.array(PortMapping).optional(),
  kubeadmConfigPatches: patches,
  kubeadmConfigPatchesJSON6902: jsonPatches,
});

/** kind's v1alpha4 configuration. Source: kind.sigs.k8s.io/docs/user/configuration, kind v0.30. */
const KindYaml = z.strictObject({
  kind: z.literal('Cluster'),
  apiVersion: z.literal('kind.x-k8s.io/v1alpha4'),
  name: z.string().optional(),
  nodes: z.array(Node).min(1),
  networking: z
    .looseObject({ apiServerPort: z.int().optional(), apiServerAddress: z.string().optional() })
    .optional(),
  featureGates: z.record(z.string(), z.boolean()).optional(),
  runtimeConfig: z.record(z.string(), z.string()).optional(),
  kubeadmConfigPatches: patches,
  kubeadmConfigPatchesJSON6902: jsonPatches,
  containerdConfigPatches: patches,
  containerdConfigPatchesJSON6902: jsonPatches,
});
type KindYaml = z.infer<typeof KindYaml>;

/** The configuration of one lab's cluster. */
export type ClusterConfig = {
  /** From which it was read. */
  file: string;
  /** As asked for; undefined where the file decides. */
  askedControlPlanes: number | undefined;
  controlPlanes: number;
  workers: number;
  /** In the order of the file, control planes first. */
  nodes: { role: 'control-plane' | 'worker'; labels: Record<string, string> }[];
  /** Settings in the file that are about kind's own way of making a cluster. */
  onlyKind: string[];
  /** Ports of the host that the cluster will listen on, beside a random one for its API. */
  hostPorts: { port: number; address: string }[];
  /** What `kind create cluster --config -` reads. */
  yaml: string;
  /** Changes when the cluster that it describes does. */
  hash: string;
};

/**
 * Reads kind.yaml for a lab.
 *
 * @param asked how often the file's first control plane is to be there. Where undefined: as often as when the lab
 *   was created, else as in the file.
 * @throws LabError `usage` when the file is missing, is no YAML, has unknown fields, no control plane or no worker.
 */
export async function readClusterConfig(lab: Lab, asked?: number): Promise<ClusterConfig> {
  const file = process.env.LAB_KIND_CONFIG ?? join(ROOT, 'kind.yaml');
  const wrong = (what: string, cause?: unknown) =>
    new LabError('usage', `${file}: ${what}`, {
      hint: 'See https://kind.sigs.k8s.io/docs/user/configuration/ for what it may hold.',
      cause,
    });
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw wrong(`cannot be read (${messageOf(error)})`, error);
  });
  const document = parseDocument(text);
  const [syntaxError] = document.errors;
  if (syntaxError) throw wrong(`is not YAML: ${syntaxError.message}`);
  const parsed = KindYaml.safeParse(document.toJS());
  if (!parsed.success) throw wrong(`is not a kind configuration:\n${z.prettifyError(parsed.error)}`);
  const askedControlPlanes = asked ?? (await readState(lab))?.controlPlanes;
  const nodes = nodesOf(parsed.data, lab, askedControlPlanes);
  const workers = nodes.filter((node) => node.role === 'worker').length;
  if (nodes.length === workers) throw wrong('has no control plane; one node needs role: control-plane');
  if (workers === 0) throw wrong('has no worker; pods need at least one node with role: worker');
  const yaml = stringify({ ...parsed.data, name: lab.name, nodes }, { aliasDuplicateObjects: false });
  return {
    file,
    askedControlPlanes,
    controlPlanes: nodes.length - workers,
    workers,
    nodes: nodes.map(({ role, labels = {} }) => ({ role, labels })),
    onlyKind: onlyKind(parsed.data),
    hostPorts: hostPortsOf(parsed.data),
    yaml,
    hash: createHash('sha256').update(yaml).digest('hex').slice(0, 16),
  };
}

/** The file's nodes, the first control plane as often as asked, each with the label that says whose it is. */
function nodesOf(config: KindYaml, lab: Lab, controlPlanes: number | undefined): KindYaml['nodes'] {
  const inFile = config.nodes.filter((node) => node.role === 'control-plane');
  const [first] = inFile;
  const planes =
    controlPlanes === undefined || !first ? inFile : Array.from({ length: controlPlanes }, () => first);
  const workers = config.nodes.filter((node) => node.role === 'worker');
  return [...planes, ...workers].map((node) => ({
    ...node,
    labels: { ...node.labels, [LAB_LABEL]: lab.name },
  }));
}

/** All but the nodes' roles and labels. */
function onlyKind({ kind: _kind, apiVersion: _version, name: _name, nodes, ...cluster }: KindYaml): string[] {
  const ofNodes = nodes.flatMap(({ role: _role, labels: _labels, ...rest }) => Object.keys(rest));
  return [...Object.keys(cluster), ...new Set(ofNodes.map((key) => `nodes[].${key}`))];
}

function hostPortsOf({ nodes, networking }: KindYaml): ClusterConfig['hostPorts'] {
  const mapped = nodes.flatMap((node) => node.extraPortMappings ?? []);
  const ports = mapped.map(({ hostPort, listenAddress }) => ({
    port: hostPort ?? 0,
    address: listenAddress ?? '0.0.0.0',
  }));
  const api = { port: networking?.apiServerPort ?? 0, address: networking?.apiServerAddress ?? '127.0.0.1' };
  return [api, ...ports].filter(({ port }) => port > 0);
}
