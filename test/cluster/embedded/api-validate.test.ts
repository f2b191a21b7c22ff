import { describe, expect, it } from 'vitest';
import { withDefaults } from '../../../scripts/cluster/embedded/api/defaults.ts';
import { validate } from '../../../scripts/cluster/embedded/api/validate.ts';
import { type Resource, resources } from '../../../scripts/cluster/embedded/resources.ts';

const { configmaps, deployments, namespaces, nodes, pods, rolebindings, roles, secrets, services } =
  resources;

const said = (resource: Resource, object: object, before?: object) =>
  validate(resource, withDefaults(resource, object), before && withDefaults(resource, before)).map(
    ({ field, message }) => `${field}: ${message}`,
  );

const meta = { name: 'a', namespace: 'n' };
const pod = (container: object = {}, spec: object = {}) => ({
  metadata: meta,
  spec: { containers: [{ name: 'a', image: 'a:1', ...container }], ...spec },
});
const deployment = (spec: object = {}, podSpec: object = {}) => ({
  metadata: meta,
  spec: {
    selector: { matchLabels: { app: 'a' } },
    template: { metadata: { labels: { app: 'a' } }, spec: { ...pod().spec, ...podSpec } },
    ...spec,
  },
});
const service = (spec: object = {}) => ({ metadata: meta, spec: { ports: [{ port: 80 }], ...spec } });
const config = (metadata: object) => ({ metadata: { ...meta, ...metadata } });
const at = 'spec.containers[0]';

describe('what is right', () => {
  it.each<[string, Resource, object]>([
    ['a pod', pods, pod()],
    ['a Deployment', deployments, deployment()],
    ['a Service', services, service()],
    ['a headless Service without ports', services, service({ clusterIP: 'None', ports: [] })],
    ['a ConfigMap', configmaps, { ...config({}), data: { 'a.b-c_D': '' } }],
  ])('%s has no causes', (_what, resource, object) => {
    expect(said(resource, object)).toEqual([]);
  });
});

describe('metadata', () => {
  const label =
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with";
  it.each<[string, Resource, object, string]>([
    [
      'an upper case name',
      configmaps,
      config({ name: 'A' }),
      "metadata.name: Invalid value: \"A\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
    [
      'a Service that starts with a digit',
      services,
      { ...service(), metadata: { ...meta, name: '1a' } },
      'metadata.name: Invalid value: "1a": a DNS-1035 label',
    ],
    [
      'dots in a namespace',
      namespaces,
      { metadata: { name: 'a.b' } },
      'metadata.name: Invalid value: "a.b": must not contain dots',
    ],
    ['a long name', configmaps, config({ name: 'a'.repeat(254) }), 'must be no more than 253 bytes'],
    [
      'no name',
      configmaps,
      config({ name: '' }),
      'metadata.name: Required value: name or generateName is required',
    ],
    [
      'a bad label key',
      configmaps,
      config({ labels: { 'a b': '' } }),
      `metadata.labels: Invalid value: "a b": ${label}`,
    ],
    [
      'two slashes in a label key',
      configmaps,
      config({ labels: { 'a/b/c': '' } }),
      "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
    ],
    [
      'a bad label value',
      configmaps,
      config({ labels: { a: '-' } }),
      'metadata.labels: Invalid value: "-": a valid label must be an empty string or',
    ],
    [
      'an unqualified finalizer',
      configmaps,
      config({ finalizers: ['mine'] }),
      'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    ],
    [
      'a namespace where there is none',
      nodes,
      { metadata: meta },
      'metadata.namespace: Forbidden: not allowed on this type',
    ],
  ])('%s', (_what, resource, object, message) => {
    expect(said(resource, object).join('\n')).toContain(message);
  });

  it('does not change its identity', () => {
    const before = config({ uid: 'u' });
    expect(said(configmaps, config({ uid: 'v' }), before)).toEqual([
      'metadata.uid: Invalid value: "v": field is immutable',
    ]);
  });
});

describe('pods', () => {
  const port = (ports: object[]) => pod({ ports });
  it.each<[string, object, string]>([
    ['no container', pod({}, { containers: [] }), 'spec.containers: Required value'],
    ['no image', pod({ image: '' }), `${at}.image: Required value`],
    [
      'an image with a space',
      pod({ image: ' a' }),
      `${at}.image: Invalid value: " a": must not have leading or trailing whitespace`,
    ],
    [
      'a bad container name',
      pod({ name: 'A' }),
      `${at}.name: Invalid value: "A": a lowercase RFC 1123 label`,
    ],
    ['a port of 0', port([{ containerPort: 0 }]), `${at}.ports[0].containerPort: Required value`],
    [
      'a port of 70000',
      port([{ containerPort: 70000 }]),
      `${at}.ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive`,
    ],
    [
      'two ports of a name',
      port([
        { name: 'a', containerPort: 1 },
        { name: 'a', containerPort: 2 },
      ]),
      `${at}.ports[1].name: Duplicate value: "a"`,
    ],
    ['a long port name', port([{ name: 'a'.repeat(16), containerPort: 1 }]), 'must be no more than 15 bytes'],
    ['an env without a name', pod({ env: [{ value: '' }] }), `${at}.env[0].name: Required value`],
    [
      'an env with = in its name',
      pod({ env: [{ name: 'a=b' }] }),
      `${at}.env[0].name: Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than '='`,
    ],
    [
      'a field that env cannot show',
      pod({ env: [{ name: 'a', valueFrom: { fieldRef: { fieldPath: 'spec.x' } } }] }),
      `${at}.env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "spec.x": supported values: "metadata.name"`,
    ],
    [
      'a mount without a volume',
      pod({ volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
      `${at}.volumeMounts[0].name: Not found: "v"`,
    ],
    [
      'a probe of no kind',
      pod({ livenessProbe: {} }),
      `${at}.livenessProbe: Required value: must specify a handler type`,
    ],
    [
      'a probe of two kinds',
      pod({ livenessProbe: { exec: { command: ['a'] }, tcpSocket: { port: 1 } } }),
      `${at}.livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type`,
    ],
    [
      'a liveness that wants two successes',
      pod({ livenessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 } }),
      `${at}.livenessProbe.successThreshold: Invalid value: 2: must be 1`,
    ],
    [
      'a negative delay',
      pod({ readinessProbe: { tcpSocket: { port: 1 }, initialDelaySeconds: -1 } }),
      `${at}.readinessProbe.initialDelaySeconds: Invalid value: -1: must be greater than or equal to 0`,
    ],
    [
      'a header of another name than HTTP has',
      pod({ readinessProbe: { httpGet: { port: 1, httpHeaders: [{ name: 'a b', value: 'c' }] } } }),
      `${at}.readinessProbe.httpGet.httpHeaders: Invalid value: "a b": a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')`,
    ],
    [
      'a header without a name, in a hook',
      pod({ lifecycle: { preStop: { httpGet: { port: 1, httpHeaders: [{ name: '', value: 'c' }] } } } }),
      `${at}.lifecycle.preStop.httpGet.httpHeaders: Invalid value: "": a valid HTTP header`,
    ],
    [
      'an empty command',
      pod({ readinessProbe: { exec: {} } }),
      `${at}.readinessProbe.exec.command: Required value`,
    ],
    [
      'two containers of a name',
      pod({}, { initContainers: [{ name: 'a', image: 'a:1' }] }),
      'spec.initContainers[0].name: Duplicate value: "a"',
    ],
    [
      'a volume of two kinds',
      pod({}, { volumes: [{ name: 'v', emptyDir: {}, secret: { secretName: 's' } }] }),
      'spec.volumes[0].emptyDir: Forbidden: may not specify more than 1 volume type',
    ],
    [
      'a negative grace period',
      pod({}, { terminationGracePeriodSeconds: -1 }),
      'spec.terminationGracePeriodSeconds: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      'a spread without skew',
      pod({}, { topologySpreadConstraints: [{ topologyKey: 'a', whenUnsatisfiable: 'DoNotSchedule' }] }),
      'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero',
    ],
  ])('%s', (_what, object, message) => {
    expect(said(pods, object).join('\n')).toContain(message);
  });

  it('may change their images and labels, and nothing else', () => {
    expect(said(pods, pod({ image: 'b:1', imagePullPolicy: 'IfNotPresent' }), pod())).toEqual([]);
    const [cause] = said(pods, pod({ command: ['b'] }), pod());
    expect(cause).toContain(
      'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`',
    );
    const added = pod({}, { containers: [...pod().spec.containers, { name: 'b', image: 'b:1' }] });
    expect(said(pods, added, pod())).toEqual([
      'spec.containers: Forbidden: pod updates may not add or remove containers',
    ]);
  });

  it('may get tolerations, and lose none', () => {
    const tolerant = pod({}, { tolerations: [{ key: 'a', operator: 'Exists' }] });
    expect(said(pods, tolerant, pod())).toEqual([]);
    expect(said(pods, pod(), tolerant).join()).toContain('spec.tolerations: Forbidden: existing toleration');
  });
});

describe('workloads', () => {
  const selector = { matchLabels: { app: 'b' } };
  it.each<[string, object, string]>([
    [
      'negative replicas',
      deployment({ replicas: -1 }),
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      'another selector',
      deployment({ selector }),
      'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
    ],
    ['no selector', deployment({ selector: undefined }), 'spec.selector: Required value'],
    [
      'an empty selector',
      deployment({ selector: {} }),
      'spec.selector: Invalid value: {}: empty selector is invalid for deployment',
    ],
    [
      'no surge and nothing unavailable',
      deployment({ strategy: { rollingUpdate: { maxSurge: '0%', maxUnavailable: 0 } } }),
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0',
    ],
    [
      'a surge that is no percentage',
      deployment({ strategy: { rollingUpdate: { maxSurge: 'x' } } }),
      'spec.strategy.rollingUpdate.maxSurge: Invalid value: "x": a valid percent string',
    ],
    [
      'a rolling update that recreates',
      deployment({ strategy: { type: 'Recreate', rollingUpdate: {} } }),
      "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ],
    [
      'pods that end',
      deployment({}, { restartPolicy: 'Never' }),
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ],
    [
      'a deadline before ready',
      deployment({ minReadySeconds: 600 }),
      'spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds',
    ],
    ['containers', deployment({}, { containers: [] }), 'spec.template.spec.containers: Required value'],
    [
      'an expression without values',
      deployment({ selector: { matchExpressions: [{ key: 'app', operator: 'In' }] } }),
      "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    ],
  ])('%s', (_what, object, message) => {
    expect(said(deployments, object).join('\n')).toContain(message);
  });

  it('keep their selector', () => {
    const labels = { app: 'b' };
    const other = deployment({ selector, template: { metadata: { labels }, spec: pod().spec } });
    expect(said(deployments, other, deployment())).toEqual([
      'spec.selector: Invalid value: {"matchLabels":{"app":"b"}}: field is immutable',
    ]);
  });
});

describe('services', () => {
  it.each<[string, object, string]>([
    ['no ports', service({ ports: [] }), 'spec.ports: Required value'],
    [
      'a port of 0',
      service({ ports: [{ port: 0 }] }),
      'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
    ],
    [
      'two ports without names',
      service({ ports: [{ port: 1 }, { port: 2 }] }),
      'spec.ports[0].name: Required value',
    ],
    [
      'two ports of a name',
      service({
        ports: [
          { name: 'a', port: 1 },
          { name: 'a', port: 2 },
        ],
      }),
      'spec.ports[1].name: Duplicate value: "a"',
    ],
    [
      'a port twice',
      service({
        ports: [
          { name: 'a', port: 1 },
          { name: 'b', port: 1 },
        ],
      }),
      'spec.ports[1]: Duplicate value: {"protocol":"TCP","port":1}',
    ],
    [
      'a target of 70000',
      service({ ports: [{ port: 1, targetPort: 70000 }] }),
      'spec.ports[0].targetPort: Invalid value: 70000',
    ],
    [
      'a cluster IP that is none',
      service({ clusterIP: 'x' }),
      'spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address',
    ],
  ])('%s', (_what, object, message) => {
    expect(said(services, object).join('\n')).toContain(message);
  });

  it('keep their cluster IP', () => {
    const causes = said(services, service({ clusterIP: 'None' }), service({ clusterIP: '10.0.0.1' }));
    expect(causes).toEqual(['spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set']);
  });
});

describe('the others', () => {
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' };
  it.each<[string, Resource, object, string]>([
    [
      'a bad key',
      configmaps,
      { ...config({}), data: { 'a/b': '' } },
      "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    ],
    [
      'bytes that are no base64',
      secrets,
      { ...config({}), data: { a: '?' } },
      'data[a]: Invalid value: "<bytes>": illegal base64 data',
    ],
    [
      'a rule without verbs',
      roles,
      { ...config({}), rules: [{ apiGroups: [''], resources: ['pods'] }] },
      'rules[0].verbs: Required value: verbs must contain at least one value',
    ],
    [
      'a subject without a namespace',
      rolebindings,
      { ...config({}), roleRef, subjects: [{ kind: 'ServiceAccount', name: 'a' }] },
      'subjects[0].namespace: Required value',
    ],
    [
      'a taint without an effect',
      nodes,
      { metadata: { name: 'a' }, spec: { taints: [{ key: 'a' }] } },
      'metadata.taints[0].effect: Required value',
    ],
  ])('%s', (_what, resource, object, message) => {
    expect(said(resource, object).join('\n')).toContain(message);
  });

  it('that are immutable do not change', () => {
    const before = { ...config({}), immutable: true, data: { a: '1' } };
    expect(said(configmaps, { ...before, data: { a: '2' } }, before)).toEqual([
      'data: Forbidden: field is immutable when `immutable` is set',
    ]);
    expect(said(secrets, { ...config({}), type: 'b' }, { ...config({}), type: 'a' })).toEqual([
      'type: Invalid value: "b": field is immutable',
    ]);
  });

  it('a binding keeps its role', () => {
    const binding = (name: string) => ({ ...config({}), roleRef: { ...roleRef, name } });
    expect(said(rolebindings, binding('b'), binding('a')).join()).toContain('cannot change roleRef');
  });
});
