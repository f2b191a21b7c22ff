// The YAML in manifests/, read and made fit for one use: content-hash tags, arms, replicas, environment.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  KubernetesObject,
  V1Affinity,
  V1Container,
  V1Deployment,
  V1EndpointSlice,
  V1EnvVar,
  V1PodSpec,
  V1Probe,
  V1Service,
  V1ServiceSpec,
} from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { LabError } from '../common/errors.ts';
import type { BuiltImage, Service } from './images.ts';
import { NAMESPACE, ROOT } from './lab.ts';

/** Label that tells the arms of an experiment, and the lab's own pods (`lab`), apart. */
export const INSTANCE_LABEL = 'app.kubernetes.io/instance';
export const NAME_LABEL = 'app.kubernetes.io/name';

/** The lab's own pods, without those of experiments. */
export const LAB_SELECTOR = `app.kubernetes.io/part-of=grpc-kind-lab,${INSTANCE_LABEL}=lab`;

/** Label of everything that belongs to one run: what a crash leaves behind is found by it. */
export const RUN_LABEL = 'grpc-kind-lab.dev/run';

/** Annotation with the hash of the manifest as applied, to tell what is out of date. */
export const HASH_ANNOTATION = 'grpc-kind-lab.dev/manifest-hash';

export type Manifest = KubernetesObject & { metadata: { name: string; namespace?: string } };

export const isDeployment = (manifest: KubernetesObject): manifest is V1Deployment & Manifest =>
  manifest.kind === 'Deployment';
const isService = (manifest: KubernetesObject): manifest is V1Service & Manifest =>
  manifest.kind === 'Service';

/**
 * Everything in manifests/, or in the folder that LAB_MANIFESTS names, with the tags of `images`.
 *
 * @throws LabError `usage` when a file is not YAML.
 */
export async function readManifests(images: readonly BuiltImage[]): Promise<Manifest[]> {
  const dir = process.env.LAB_MANIFESTS ?? join(ROOT, 'manifests');
  const files = (await readdir(dir)).filter((file) => file.endsWith('.yaml')).sort();
  const documents = await Promise.all(files.map((file) => readYaml(join(dir, file))));
  return documents.flat().map((manifest) => withImages(manifest, images));
}

async function readYaml(file: string): Promise<Manifest[]> {
  const documents = parseAllDocuments(await readFile(file, 'utf8'));
  if (!Array.isArray(documents)) return [];
  return documents.map((document) => {
    const [error] = document.errors;
    if (error) throw new LabError('usage', `${file} is not YAML: ${error.message}`);
    return document.toJS() as Manifest;
  });
}

function withImages(manifest: Manifest, images: readonly BuiltImage[]): Manifest {
  const tags = new Map(images.map(({ ref, devRef }) => [devRef, ref]));
  return mapContainers(manifest, (container) => ({
    ...container,
    ...(container.image === undefined ? {} : { image: tags.get(container.image) ?? container.image }),
  }));
}

/** What one arm of an experiment makes of the lab's own manifests. */
export type Arm = {
  /** Suffix of its names and its instance label: `treatment`, `control`. */
  name: string;
  run: string;
  servers: number;
  clients: number;
  /** Environment of greeter-server: a value replaces the manifest's, `undefined` takes it out. */
  serverEnv: Record<string, string | undefined>;
  /** Fields of its ClusterIP Service beside those of the manifest. */
  service?: ServiceFields | undefined;
  /** Services of its own beside those of the manifests. */
  furtherServices?: readonly FurtherService[] | undefined;
  /**
   * `strict`: pods of a kind are on as many nodes as there can be, and wait where they cannot. Else they are spread as
   * the scheduler sees fit.
   */
  spread?: 'strict' | undefined;
  /** CPU that a client asks for, `150m`: for many clients at low rates the manifest's is more than nodes have. */
  clientCpu?: string | undefined;
  /** Clients of the run that ask for it are on one node, all of them. */
  clientsTogether?: boolean | undefined;
  /** Of its servers, instead of the manifest's; `null` takes one out. */
  serverProbes?: ProbeChanges | undefined;
  /** What SIGKILL waits for after SIGTERM. */
  serverGraceSeconds?: number | undefined;
  /** How a rollout of its servers goes; Kubernetes' own default is 25 % of each. */
  serverRollout?: { maxSurge: number; maxUnavailable: number } | undefined;
  /** Kernel parameters of its clients' pods, by name: `net.ipv4.ip_local_port_range`. */
  clientSysctls?: Readonly<Record<string, string>> | undefined;
};

/** A Service like one of the manifests, with another name and other fields. */
export type FurtherService = {
  name: string;
  like: 'greeter' | 'greeter-headless';
  fields: Pick<V1ServiceSpec, 'ports' | 'publishNotReadyAddresses'>;
  /** Its endpoints, at most 100 (what one EndpointSlice holds by default), instead of pods that it selects. */
  addresses?: readonly string[];
};

export type ProbeChanges = {
  startupProbe?: V1Probe | null;
  readinessProbe?: V1Probe | null;
  livenessProbe?: V1Probe | null;
};

/** How a ClusterIP chooses among endpoints. */
export type ServiceFields = {
  trafficDistribution?: 'PreferSameNode' | 'PreferSameZone';
  internalTrafficPolicy?: 'Local';
};

/**
 * The Deployments and Services of one arm, beside the lab's own and untouched by them. An arm without servers has no
 * Service either, one without clients no Deployment of them.
 */
export function armManifests(manifests: readonly Manifest[], arm: Arm): Manifest[] {
  const replicas: Record<Service, number> = { 'greeter-server': arm.servers, 'greeter-client': arm.clients };
  const wanted = (manifest: Manifest) =>
    isService(manifest)
      ? arm.servers > 0
      : isDeployment(manifest) && replicas[manifest.metadata.name as Service] > 0;
  const all = [
    ...manifests,
    ...(arm.furtherServices ?? []).map((further) => likeService(manifests, further)),
  ];
  const slices = (arm.furtherServices ?? []).flatMap((further) => sliceOf(further, arm));
  const changed = all.filter(wanted).map((manifest) => {
    const suffixed = {
      ...manifest,
      metadata: { ...manifest.metadata, name: `${manifest.metadata.name}-${arm.name}` },
    };
    const ours = relabelled(suffixed, { [INSTANCE_LABEL]: arm.name, [RUN_LABEL]: arm.run });
    if (isService(ours)) return withServiceFields(ours, arm.service);
    if (!isDeployment(ours) || !ours.spec) return ours;
    const service = manifest.metadata.name as Service;
    const scaled = withSpread({ ...ours, spec: { ...ours.spec, replicas: replicas[service] } }, arm.spread);
    return service === 'greeter-server' ? asServer(scaled, arm) : asClient(scaled, arm);
  });
  return [...changed, ...slices];
}

/** @throws Error when the manifests have no such Service. */
function likeService(manifests: readonly Manifest[], further: FurtherService): Manifest {
  const { name, like, fields, addresses } = further;
  const model = manifests.filter(isService).find(({ metadata }) => metadata.name === like);
  if (!model) throw new Error(`there is no Service ${like} that ${name} could be like`);
  const { selector, ...others } = { ...model.spec, ...fields };
  const spec = addresses === undefined ? { ...others, selector } : others;
  return { ...model, metadata: { ...model.metadata, name }, spec } as Manifest;
}

/** What the controller makes for a Service with a selector. */
function sliceOf({ name, fields, addresses }: FurtherService, arm: Arm): Manifest[] {
  if (addresses === undefined) return [];
  const service = `${name}-${arm.name}`;
  const slice: V1EndpointSlice & Manifest = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: service,
      namespace: NAMESPACE,
      labels: { 'kubernetes.io/service-name': service, [INSTANCE_LABEL]: arm.name, [RUN_LABEL]: arm.run },
    },
    addressType: 'IPv4',
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: (fields.ports ?? []).map(({ name: portName, port }) => ({ name: portName ?? '', port })),
  };
  return [slice];
}

function asServer(deployment: V1Deployment & Manifest, arm: Arm): Manifest {
  const { serverGraceSeconds } = arm;
  const rolled = withRollout(deployment, arm.serverRollout);
  const changed =
    serverGraceSeconds === undefined
      ? rolled
      : withPodSpec(rolled, { terminationGracePeriodSeconds: serverGraceSeconds });
  return mapContainers(changed, (container) =>
    withProbes({ ...container, env: withEnv(container.env ?? [], arm.serverEnv) }, arm.serverProbes),
  );
}

function asClient(deployment: V1Deployment & Manifest, arm: Arm): Manifest {
  const { clientCpu, clientSysctls, clientsTogether } = arm;
  const securityContext = {
    ...deployment.spec?.template.spec?.securityContext,
    sysctls: Object.entries(clientSysctls ?? {}).map(([name, value]) => ({ name, value })),
  };
  const changed = withPodSpec(deployment, {
    ...(clientSysctls && { securityContext }),
    ...(clientsTogether && { affinity: besideClientsOf(arm.run) }),
  });
  return mapContainers(changed, (container) => withCpu(container, clientCpu));
}

/** The first of them may go anywhere: it selects itself. */
const besideClientsOf = (run: string): V1Affinity => ({
  podAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      {
        topologyKey: 'kubernetes.io/hostname',
        labelSelector: { matchLabels: { [NAME_LABEL]: 'greeter-client', [RUN_LABEL]: run } },
      },
    ],
  },
});

function withRollout(
  deployment: V1Deployment & Manifest,
  rollingUpdate: Arm['serverRollout'],
): V1Deployment & Manifest {
  if (!deployment.spec || !rollingUpdate) return deployment;
  return { ...deployment, spec: { ...deployment.spec, strategy: { type: 'RollingUpdate', rollingUpdate } } };
}

function withProbes(container: V1Container, probes: ProbeChanges = {}): V1Container {
  const changed: Record<string, unknown> = { ...container };
  for (const [name, probe] of Object.entries(probes)) {
    if (probe === null) delete changed[name];
    else changed[name] = probe;
  }
  return changed as unknown as V1Container;
}

function withPodSpec(
  deployment: V1Deployment & Manifest,
  fields: Partial<V1PodSpec>,
): V1Deployment & Manifest {
  const podSpec = deployment.spec?.template.spec;
  if (!deployment.spec || !podSpec) return deployment;
  const template = { ...deployment.spec.template, spec: { ...podSpec, ...fields } };
  return { ...deployment, spec: { ...deployment.spec, template } };
}

function withServiceFields(service: V1Service & Manifest, fields: ServiceFields | undefined): Manifest {
  if (!fields || service.spec?.clusterIP === 'None') return service;
  return { ...service, spec: { ...service.spec, ...fields } } as Manifest;
}

function withSpread(deployment: V1Deployment & Manifest, spread: Arm['spread']): V1Deployment & Manifest {
  if (spread !== 'strict') return deployment;
  const given = deployment.spec?.template.spec?.topologySpreadConstraints ?? [];
  const topologySpreadConstraints = given.map((constraint) => ({
    ...constraint,
    whenUnsatisfiable: 'DoNotSchedule',
  }));
  return withPodSpec(deployment, { topologySpreadConstraints });
}

const withCpu = (container: V1Container, cpu: string | undefined): V1Container =>
  cpu === undefined
    ? container
    : {
        ...container,
        resources: { ...container.resources, requests: { ...container.resources?.requests, cpu } },
      };

function withEnv(env: readonly V1EnvVar[], changes: Arm['serverEnv']): V1EnvVar[] {
  const kept = env.filter(({ name }) => !(name in changes));
  const added = Object.entries(changes).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value }],
  );
  return [...kept, ...added];
}

/** Labels in every place where a Service or a Deployment carries them or selects by them. */
function relabelled(manifest: Manifest, labels: Record<string, string>): Manifest {
  const instance = { [INSTANCE_LABEL]: labels[INSTANCE_LABEL] ?? '' };
  const metadata = { ...manifest.metadata, labels: { ...manifest.metadata.labels, ...labels } };
  if (isService(manifest) && manifest.spec) {
    const { selector } = manifest.spec;
    const spec =
      selector === undefined ? manifest.spec : { ...manifest.spec, selector: { ...selector, ...instance } };
    return { ...manifest, metadata, spec } as Manifest;
  }
  if (!isDeployment(manifest) || !manifest.spec) return { ...manifest, metadata };
  const { selector, template } = manifest.spec;
  const spec = {
    ...manifest.spec,
    selector: { ...selector, matchLabels: { ...selector.matchLabels, ...instance } },
    template: {
      ...template,
      metadata: { ...template.metadata, labels: { ...template.metadata?.labels, ...labels } },
    },
  };
  return { ...manifest, metadata, spec } as Manifest;
}

function mapContainers<T extends Manifest>(manifest: T, change: (container: V1Container) => V1Container): T {
  const podSpec = isDeployment(manifest) ? manifest.spec?.template.spec : undefined;
  if (!isDeployment(manifest) || !manifest.spec || !podSpec) return manifest;
  const template = {
    ...manifest.spec.template,
    spec: { ...podSpec, containers: podSpec.containers.map(change) },
  };
  return { ...manifest, spec: { ...manifest.spec, template } };
}

/** The manifest with the hash of itself as an annotation. */
export function hashed<T extends Manifest>(manifest: T): T {
  const hash = createHash('sha256').update(JSON.stringify(manifest)).digest('hex').slice(0, 12);
  const annotations = { ...manifest.metadata.annotations, [HASH_ANNOTATION]: hash };
  return { ...manifest, metadata: { ...manifest.metadata, annotations } };
}
