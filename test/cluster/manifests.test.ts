import type { V1Deployment, V1Role, V1RoleBinding, V1Service } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import {
  type Arm,
  armManifests,
  HASH_ANNOTATION,
  hashed,
  isDeployment,
  type Manifest,
  readManifests,
} from '../../scripts/cluster/manifests.ts';

const lab = await readManifests([]);
const deployments = lab.filter(isDeployment);
const NAMES = ['greeter-client', 'greeter-server'];

const ARM: Arm = {
  name: 'treatment',
  run: 'run-1',
  servers: 7,
  clients: 3,
  serverEnv: { GRPC_MAX_CONNECTION_AGE_MS: undefined, DRAIN: 'none', NEW: 'value' },
};

/** A Deployment or a Service: an account may have the name of its Deployment. */
const named = (manifests: readonly Manifest[], name: string) => {
  const found = manifests.find(
    ({ kind, metadata }) => metadata.name === name && ['Deployment', 'Service'].includes(kind ?? ''),
  );
  return found ?? expect.fail(`there is no ${name}`);
};
const envOf = (manifest: Manifest) =>
  Object.fromEntries(
    ((manifest as V1Deployment).spec?.template.spec?.containers[0]?.env ?? []).map((each) => [
      each.name,
      each.value ?? each.valueFrom,
    ]),
  );

describe('manifests as anyone can apply them', () => {
  it('are two Deployments, two Services, an account that reads EndpointSlices, and a namespace that restricts its pods', () => {
    expect(deployments.map(({ metadata }) => metadata.name).sort()).toEqual(NAMES);
    expect(lab.map(({ kind }) => kind).sort()).toEqual([
      'Deployment',
      'Deployment',
      'Namespace',
      'Role',
      'RoleBinding',
      'Service',
      'Service',
      'ServiceAccount',
    ]);
    const namespace = lab.find(({ kind }) => kind === 'Namespace');
    expect(namespace?.metadata.labels?.['pod-security.kubernetes.io/enforce']).toBe('restricted');
    for (const { kind, metadata } of lab) {
      if (kind !== 'Namespace') expect(metadata.namespace).toBe(namespace?.metadata.name);
    }
  });

  it.each(NAMES)(
    '%s meets Pod Security "restricted", pulls nothing, and has no token of the cluster unless it watches',
    (name) => {
      const spec = (named(lab, name) as V1Deployment).spec?.template.spec;
      expect(spec?.automountServiceAccountToken).toBe(name === 'greeter-client');
      expect(spec?.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      for (const key of ['hostNetwork', 'hostPID', 'hostIPC', 'volumes'])
        expect(spec).not.toHaveProperty(key);
      expect(spec?.containers).toHaveLength(1);
      for (const container of spec?.containers ?? []) {
        expect(container.image).toBe(`grpc-kind-lab/${name}:dev`);
        expect(container.imagePullPolicy).toBe('IfNotPresent');
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        for (const port of container.ports ?? []) expect(port.hostPort).toBeUndefined();
      }
    },
  );

  it('let clients read the EndpointSlices of their namespace, and nothing else', () => {
    const client = named(lab, 'greeter-client') as V1Deployment;
    const role = lab.find(({ kind }) => kind === 'Role') as V1Role | undefined;
    const binding = lab.find(({ kind }) => kind === 'RoleBinding') as V1RoleBinding | undefined;
    expect(client.spec?.template.spec?.serviceAccountName).toBe('greeter-client');
    expect(role?.rules).toEqual([
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['get', 'list', 'watch'] },
    ]);
    expect(binding?.roleRef).toMatchObject({ kind: 'Role', name: role?.metadata?.name });
    expect(binding?.subjects).toEqual([
      { kind: 'ServiceAccount', name: 'greeter-client', namespace: role?.metadata?.namespace },
    ]);
  });

  it('select their own pods', () => {
    for (const { spec } of deployments) {
      expect(spec?.template.metadata?.labels).toMatchObject(spec?.selector.matchLabels ?? { none: 'none' });
    }
    const server = named(lab, 'greeter-server') as V1Deployment;
    for (const service of lab.filter(({ kind }) => kind === 'Service') as V1Service[]) {
      expect(server.spec?.template.metadata?.labels).toMatchObject(
        service.spec?.selector ?? { none: 'none' },
      );
      expect(service.spec?.ports).toMatchObject([{ port: 50051, targetPort: 'grpc' }]);
    }
  });
});

describe('manifests as lab:up applies them', () => {
  it('have the tags of the images, and are otherwise the same', async () => {
    const images = NAMES.map((service) => ({
      service: service as 'greeter-server',
      ref: `grpc-kind-lab/${service}:abc`,
      devRef: `grpc-kind-lab/${service}:dev`,
    }));
    const tagged = await readManifests(images);
    expect(tagged).not.toEqual(lab);
    expect(JSON.parse(JSON.stringify(tagged).replaceAll(':abc"', ':dev"'))).toEqual(lab);
  });

  it('carry a hash that changes with anything in them, and with nothing else', () => {
    const server = named(lab, 'greeter-server');
    const hash = (manifest: Manifest) => hashed(manifest).metadata.annotations?.[HASH_ANNOTATION];
    expect(hash(server)).toMatch(/^[0-9a-f]{12}$/);
    expect(hash(structuredClone(server))).toBe(hash(server));
    expect(hash({ ...server, metadata: { ...server.metadata, labels: {} } })).not.toBe(hash(server));
    expect(server.metadata.annotations).toBeUndefined();
  });
});

describe("an arm's manifests", () => {
  const arm = armManifests(lab, ARM);

  it('are Deployments and Services of its own, with names, replicas and labels of its own', () => {
    expect(arm.map(({ metadata }) => metadata.name).sort()).toEqual([
      'greeter-client-treatment',
      'greeter-headless-treatment',
      'greeter-server-treatment',
      'greeter-treatment',
    ]);
    expect((named(arm, 'greeter-server-treatment') as V1Deployment).spec?.replicas).toBe(7);
    expect((named(arm, 'greeter-client-treatment') as V1Deployment).spec?.replicas).toBe(3);
    for (const { metadata } of arm) {
      expect(metadata.labels).toMatchObject({
        'app.kubernetes.io/instance': 'treatment',
        'grpc-kind-lab.dev/run': 'run-1',
      });
    }
  });

  it('select the pods of this arm alone', () => {
    const pods = (named(arm, 'greeter-server-treatment') as V1Deployment).spec?.template.metadata?.labels;
    const ofLab = (named(lab, 'greeter-server') as V1Deployment).spec?.template.metadata?.labels ?? {};
    for (const name of ['greeter-treatment', 'greeter-headless-treatment']) {
      const { selector = {} } = (named(arm, name) as V1Service).spec ?? {};
      expect(pods).toMatchObject(selector);
      expect(ofLab).not.toMatchObject(selector);
    }
    const { matchLabels = {} } =
      (named(arm, 'greeter-server-treatment') as V1Deployment).spec?.selector ?? {};
    expect(pods).toMatchObject(matchLabels);
    expect(ofLab).not.toMatchObject(matchLabels);
  });

  it('say how a rollout of its servers goes, and of none else', () => {
    const serverRollout = { maxSurge: 1, maxUnavailable: 0 };
    const rolled = armManifests(lab, { ...ARM, serverRollout });
    const strategyOf = (manifests: readonly Manifest[], name: string) =>
      (named(manifests, name) as V1Deployment).spec?.strategy;
    expect(strategyOf(rolled, 'greeter-server-treatment')).toEqual({
      type: 'RollingUpdate',
      rollingUpdate: serverRollout,
    });
    expect(strategyOf(rolled, 'greeter-client-treatment')).toBeUndefined();
    expect(strategyOf(arm, 'greeter-server-treatment')).toBeUndefined();
  });

  it("replace, remove and add environment of the servers, and leave the clients' alone", () => {
    const before = envOf(named(lab, 'greeter-server'));
    const { GRPC_MAX_CONNECTION_AGE_MS: _, ...kept } = before;
    expect(before).toHaveProperty('GRPC_MAX_CONNECTION_AGE_MS');
    expect(envOf(named(arm, 'greeter-server-treatment'))).toEqual({ ...kept, DRAIN: 'none', NEW: 'value' });
    expect(envOf(named(arm, 'greeter-client-treatment'))).toEqual(envOf(named(lab, 'greeter-client')));
  });

  it('differ from those of the lab in nothing else', () => {
    const ofLab = lab.filter(({ kind }) => kind === 'Deployment' || kind === 'Service');
    expect(arm.map(withoutWhatAnArmSets)).toEqual(ofLab.map(withoutWhatAnArmSets));
  });

  it('take fields of the ClusterIP alone, a spread that is strict, and what a client asks for', () => {
    const changed = armManifests(lab, {
      ...ARM,
      service: { trafficDistribution: 'PreferSameNode' },
      spread: 'strict',
      clientCpu: '100m',
    });
    const services = ['greeter', 'greeter-headless'].map(
      (name) => (named(changed, `${name}-treatment`) as V1Service).spec,
    );
    expect(services.map((spec) => spec?.trafficDistribution)).toEqual(['PreferSameNode', undefined]);
    for (const name of NAMES) {
      const podSpec = (named(changed, `${name}-treatment`) as V1Deployment).spec?.template.spec;
      expect(podSpec?.topologySpreadConstraints).toMatchObject([
        { maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' },
      ]);
      const requests = podSpec?.containers[0]?.resources?.requests;
      expect(requests).toMatchObject({ memory: '64Mi', cpu: name === 'greeter-client' ? '100m' : '50m' });
    }
  });

  it('put clients that are to be together beside each other, and servers anywhere', () => {
    const changed = armManifests(lab, { ...ARM, clientsTogether: true });
    const [client, server] = NAMES.map(
      (name) => (named(changed, `${name}-treatment`) as V1Deployment).spec?.template.spec,
    );
    const labels = { 'app.kubernetes.io/name': 'greeter-client', 'grpc-kind-lab.dev/run': 'run-1' };
    expect(client?.affinity).toEqual({
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: labels } },
        ],
      },
    });
    expect(server?.affinity).toBeUndefined();
    const apart = named(armManifests(lab, ARM), 'greeter-client-treatment') as V1Deployment;
    expect(apart.spec?.template.spec).not.toHaveProperty('affinity');
  });

  it('take further Services, each like one of the manifests', () => {
    const ports = [{ name: 'grpc', port: 9000, targetPort: 'grpc' }];
    const further = armManifests(lab, {
      ...ARM,
      furtherServices: [
        { name: 'greeter-unready', like: 'greeter-headless', fields: { publishNotReadyAddresses: true } },
        { name: 'greeter-mapped', like: 'greeter', fields: { ports } },
      ],
    });
    const unready = named(further, 'greeter-unready-treatment') as V1Service;
    const headless = named(further, 'greeter-headless-treatment') as V1Service;
    expect(unready.spec).toEqual({ ...headless.spec, publishNotReadyAddresses: true });
    expect(unready.metadata?.labels).toEqual(headless.metadata?.labels);
    expect((named(further, 'greeter-mapped-treatment') as V1Service).spec).toMatchObject({ ports });
    expect(further).toHaveLength(6);
    const missing = { name: 'other', like: 'nothing' as 'greeter', fields: {} };
    expect(() => armManifests(lab, { ...ARM, furtherServices: [missing] })).toThrow(
      'there is no Service nothing that other could be like',
    );
  });

  it('leave the manifests that they were made from as they were', async () => {
    expect(lab).toEqual(await readManifests([]));
  });
});

/** A manifest without names, labels, selectors, replicas and environment. */
function withoutWhatAnArmSets(manifest: Manifest): unknown {
  const copy = structuredClone(manifest) as V1Deployment & V1Service;
  const { name: _, labels: __, ...metadata } = copy.metadata ?? {};
  if (copy.kind === 'Service') {
    const { selector: ___, ...spec } = copy.spec ?? {};
    return { ...copy, metadata, spec };
  }
  const { replicas, selector, template, ...spec } = (copy as V1Deployment).spec ?? expect.fail('no spec');
  const containers = template.spec?.containers.map(({ env, ...container }) => container);
  const { labels: ____, ...podMetadata } = template.metadata ?? {};
  return {
    ...copy,
    metadata,
    spec: { ...spec, template: { metadata: podMetadata, spec: { ...template.spec, containers } } },
  };
}

describe('what an arm asks for', () => {
  it('kernel parameters of its clients, probes of its servers', () => {
    const readinessProbe = { httpGet: { path: '/healthz', port: 8080 } };
    const arms = armManifests(lab, {
      ...ARM,
      clientSysctls: { 'net.ipv4.ip_local_port_range': '50000 50099' },
      serverProbes: { startupProbe: null, readinessProbe },
    });
    const podOf = (name: string) => (named(arms, `${name}-treatment`) as V1Deployment).spec?.template.spec;
    expect(podOf('greeter-client')?.securityContext).toMatchObject({
      runAsNonRoot: true,
      sysctls: [{ name: 'net.ipv4.ip_local_port_range', value: '50000 50099' }],
    });
    expect(podOf('greeter-server')?.securityContext?.sysctls).toBeUndefined();
    const [server] = podOf('greeter-server')?.containers ?? [];
    expect(server).toMatchObject({ readinessProbe });
    expect(server).not.toHaveProperty('startupProbe');
  });
});
