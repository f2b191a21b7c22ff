import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { withDefaults } from '../../../scripts/cluster/embedded/api/defaults.ts';
import { assertFields, checkFields, inertFieldsIn } from '../../../scripts/cluster/embedded/api/fields.ts';
import { ApiError } from '../../../scripts/cluster/embedded/errors.ts';
import { resources } from '../../../scripts/cluster/embedded/resources.ts';

const { configmaps, deployments, namespaces, pods, secrets, services } = resources;
const folder = join(import.meta.dirname, '../../../manifests');

type Manifest = { kind: string; metadata: { name: string } };
const manifests = readdirSync(folder).flatMap((file) => {
  const documents = parseAllDocuments(readFileSync(join(folder, file), 'utf8'));
  return (documents as { toJS(): Manifest }[]).map((document) => document.toJS());
});
const resourceOf = (kind: string) => {
  const found = Object.values(resources).find((resource) => resource.kind === kind);
  if (!found) throw new Error(`no resource of kind ${kind}`);
  return found;
};

function refusal(check: () => void): ApiError {
  try {
    check();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

const deployment = (podSpec: object, spec: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'a' },
  spec: {
    selector: { matchLabels: { app: 'a' } },
    template: {
      metadata: { labels: { app: 'a' } },
      spec: { containers: [{ name: 'a', image: 'a:1', ...podSpec }] },
    },
    ...spec,
  },
});

describe('fields', () => {
  it('are all known in the manifests of the lab', () => {
    expect(manifests.length).toBeGreaterThan(4);
    for (const manifest of manifests) {
      const check = checkFields(resourceOf(manifest.kind), manifest);
      expect(check).toEqual({ unknown: [], unsupported: [], invalidTypes: [], invalidValues: [] });
    }
  });

  it('are refused in Kubernetes’ words when Kubernetes does not have them', () => {
    const error = refusal(() => assertFields(deployments, deployment({ imag: 'b' }, { foo: 1 })));
    expect(error.code).toBe(400);
    expect(error.reason).toBe('BadRequest');
    expect(error.message).toBe(
      'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.template.spec.containers[0].imag", unknown field "spec.foo"',
    );
  });

  it('are refused by name when Kubernetes has them and this provider has not', () => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: { hostNetwork: true } };
    expect(refusal(() => assertFields(pods, pod)).message).toContain(
      '"spec.hostNetwork" is not supported by the embedded provider',
    );
  });

  it('are refused with the value that is not supported', () => {
    const service = { metadata: { name: 'a' }, spec: { type: 'NodePort', ports: [{ port: 80 }] } };
    const error = refusal(() => assertFields(services, service));
    expect(error.code).toBe(400);
    expect(error.message).toContain('spec.type: "NodePort" is not supported by the embedded provider');
  });

  it('say which values they take', () => {
    const error = refusal(() => assertFields(deployments, deployment({ imagePullPolicy: 'Often' })));
    expect(error.code).toBe(422);
    expect(error.message).toContain(
      'spec.template.spec.containers[0].imagePullPolicy: Unsupported value: "Often": supported values: "Always", "IfNotPresent", "Never"',
    );
  });

  it('are refused when their value is of another type', () => {
    const error = refusal(() => assertFields(deployments, deployment({}, { replicas: 'two' })));
    expect(error.code).toBe(400);
    expect(error.message).toContain(
      'json: cannot unmarshal string into Go struct field Deployment.spec.replicas of type int32',
    );
  });

  it('may be null, or empty where they are not supported: clients send that for nothing', () => {
    const object = {
      ...deployment({ resources: {}, lifecycle: null, ports: [] }),
      metadata: { name: 'a', creationTimestamp: null, managedFields: [{ fieldsV1: { 'f:spec': {} } }] },
      status: {},
    };
    expect(checkFields(deployments, object)).toMatchObject({
      unknown: [],
      unsupported: [],
      invalidTypes: [],
    });
    const pod = { metadata: { name: 'a' }, spec: { affinity: {}, hostNetwork: false, containers: [] } };
    expect(checkFields(pods, pod).unsupported).toEqual([]);
    expect(withDefaults(pods, pod).spec).not.toHaveProperty('affinity');
  });

  it('without effect are named, each with the reason', () => {
    const server = manifests.find(({ metadata }) => metadata.name === 'greeter-server');
    const named = inertFieldsIn(deployments, server).join('\n');
    expect(named).toContain('spec.template.spec.containers[].resources (');
    expect(named).toContain('spec.template.spec.securityContext (');
    expect(named).not.toContain('imagePullPolicy');
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    expect(inertFieldsIn(namespaces, { metadata: { labels } })[0]).toContain('pod-security.kubernetes.io/');
    expect(inertFieldsIn(configmaps, { data: { resources: 'x' } })).toEqual([]);
    const token = (expirationSeconds: number) => ({
      name: 'v',
      projected: { sources: [{ serviceAccountToken: { path: 'token', expirationSeconds } }] },
    });
    const says = { terminationMessagePath: '/dev/other', terminationMessagePolicy: 'FallbackToLogsOnError' };
    const pod = (volume: object) => ({ spec: { containers: [{ name: 'a', ...says }], volumes: [volume] } });
    expect(inertFieldsIn(pods, pod(token(3600)))).toEqual([]);
    expect(inertFieldsIn(pods, pod(token(600)))).toEqual([
      'spec.volumes[].projected.sources[].serviceAccountToken.expirationSeconds (a token lives as long as the cluster)',
    ]);
  });

  it('without effect are not named where only Kubernetes’ defaults stand', () => {
    const plain = withDefaults(deployments, deployment({ imagePullPolicy: 'IfNotPresent' }));
    expect(inertFieldsIn(deployments, plain)).toEqual([]);
  });

  it('nested too deeply are refused', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 50_000; level += 1) deep = { deep };
    expect(refusal(() => assertFields(configmaps, { data: deep })).code).toBe(400);
  });
});

describe('defaults', () => {
  it('of a Deployment are Kubernetes’ own', () => {
    const made = withDefaults(
      deployments,
      deployment({
        ports: [{ containerPort: 1 }],
        readinessProbe: { httpGet: { port: 1 } },
        livenessProbe: { grpc: { port: 1 }, periodSeconds: 0 },
        env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
      }),
    );
    expect(made.spec).toMatchObject({
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    });
    expect(made.spec.template.spec).toEqual({
      containers: [
        {
          name: 'a',
          image: 'a:1',
          imagePullPolicy: 'IfNotPresent',
          resources: {},
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
          ports: [{ containerPort: 1, protocol: 'TCP' }],
          env: [{ name: 'A', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } }],
          readinessProbe: {
            httpGet: { port: 1, path: '/', scheme: 'HTTP' },
            timeoutSeconds: 1,
            periodSeconds: 10,
            successThreshold: 1,
            failureThreshold: 3,
          },
          livenessProbe: {
            grpc: { port: 1, service: '' },
            timeoutSeconds: 1,
            periodSeconds: 10,
            successThreshold: 1,
            failureThreshold: 3,
          },
        },
      ],
      dnsPolicy: 'ClusterFirst',
      restartPolicy: 'Always',
      schedulerName: 'default-scheduler',
      securityContext: {},
      terminationGracePeriodSeconds: 30,
    });
  });

  it('of a pod are also what admission adds', () => {
    const { spec } = withDefaults(pods, { spec: { containers: [] } });
    expect(spec).toMatchObject({
      serviceAccountName: 'default',
      enableServiceLinks: true,
      tolerations: [
        {
          key: 'node.kubernetes.io/not-ready',
          effect: 'NoExecute',
          operator: 'Exists',
          tolerationSeconds: 300,
        },
        {
          key: 'node.kubernetes.io/unreachable',
          effect: 'NoExecute',
          operator: 'Exists',
          tolerationSeconds: 300,
        },
      ],
    });
  });

  it('leave a pod the tolerations that it has', () => {
    const tolerations = [{ operator: 'Exists' }];
    expect(withDefaults(pods, { spec: { containers: [], tolerations } }).spec.tolerations).toEqual(
      tolerations,
    );
    const once = withDefaults(pods, { spec: { containers: [] } });
    expect(withDefaults(pods, once)).toEqual(once);
  });

  it.each([
    ['a', 'Always'],
    ['a:latest', 'Always'],
    ['host:5000/a', 'Always'],
    ['a:1', 'IfNotPresent'],
    ['a@sha256:0', 'IfNotPresent'],
  ])('pull the image %s %s', (image, imagePullPolicy) => {
    const made = withDefaults(pods, { spec: { containers: [{ image }] } });
    expect(made.spec.containers).toMatchObject([{ imagePullPolicy }]);
  });

  it('of a Service', () => {
    expect(withDefaults(services, { spec: { clusterIP: 'None', ports: [{ port: 80 }] } }).spec).toEqual({
      clusterIP: 'None',
      clusterIPs: ['None'],
      internalTrafficPolicy: 'Cluster',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      sessionAffinity: 'None',
      type: 'ClusterIP',
    });
  });

  it('put the text of a Secret into its data', () => {
    const made = withDefaults(secrets, { data: { a: 'YQ==' }, stringData: { b: 'b' } });
    expect(made).toEqual({ type: 'Opaque', data: { a: 'YQ==', b: 'Yg==' } });
  });

  it('filled in twice are the same as once', () => {
    for (const manifest of manifests) {
      const resource = resourceOf(manifest.kind);
      const once = withDefaults(resource, manifest);
      expect(withDefaults(resource, once)).toEqual(once);
    }
  });
});
