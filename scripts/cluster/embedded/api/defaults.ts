// Kubernetes' defaults, so that an object looks the same here as on any cluster.
import type { ResourceName } from '../objects.ts';
import type { Resource } from '../resources.ts';
import { cleaned } from './fields.ts';
import { asList, asObject, asText, isObject, type JsonObject } from './json.ts';

/** @param object of the right types: `assertFields` has been there. @returns a new object, without nulls. */
export function withDefaults<T extends object>(resource: Resource, object: T): T {
  const whole = asObject(cleaned(resource, object));
  return (defaulters[resource.name]?.(whole) ?? whole) as T;
}

type Default = (object: JsonObject) => JsonObject;

/** The fields of `defaults` that an object does not have. */
const fill = (object: JsonObject, defaults: JsonObject): JsonObject => {
  const missing = Object.entries(defaults).filter(
    ([key, value]) => object[key] === undefined && value !== undefined,
  );
  return missing.length ? { ...object, ...Object.fromEntries(missing) } : object;
};
/** Changes a field where it is. */
const within = (object: JsonObject, field: string, change: Default): JsonObject =>
  isObject(object[field]) ? { ...object, [field]: change(object[field]) } : object;
const each = (object: JsonObject, field: string, change: Default): JsonObject =>
  Array.isArray(object[field])
    ? { ...object, [field]: object[field].map((item) => (isObject(item) ? change(item) : item)) }
    : object;

const fieldRef: Default = (ref) => fill(ref, { apiVersion: 'v1' });

const httpGet: Default = (get) => fill(get, { path: '/', scheme: 'HTTP' });

const probe: Default = (given) => {
  const filled = fill(given, {
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  });
  // Zero is what Go makes of absent: Kubernetes takes both for the default.
  const positive = Object.fromEntries(
    Object.entries({ timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 }).filter(
      ([key]) => filled[key] === 0,
    ),
  );
  return within(within({ ...filled, ...positive }, 'httpGet', httpGet), 'grpc', (grpc) =>
    fill(grpc, { service: '' }),
  );
};

/** An image without a tag, or with `latest`, is always looked for again; a digest counts as a tag. */
function pullPolicyOf(image: string): string {
  const tag = /:([^/:]*)$/.exec(image)?.[1] ?? 'latest';
  return tag === 'latest' ? 'Always' : 'IfNotPresent';
}

const container: Default = (given) => {
  let made = fill(given, {
    imagePullPolicy: pullPolicyOf(asText(given.image)),
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
  });
  made = each(made, 'ports', (port) => fill(port, { protocol: 'TCP' }));
  made = each(made, 'env', (env) => within(env, 'valueFrom', (from) => within(from, 'fieldRef', fieldRef)));
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe']) made = within(made, name, probe);
  return within(made, 'lifecycle', (hooks) =>
    within(hooks, 'preStop', (hook) => within(hook, 'httpGet', httpGet)),
  );
};

const items: Default = (source) => each(source, 'items', (item) => within(item, 'fieldRef', fieldRef));
const MODE = 0o644;

const volume: Default = (given) => {
  const sources = ['configMap', 'secret', 'emptyDir', 'projected', 'downwardAPI'];
  let made = sources.some((source) => given[source] !== undefined) ? given : { ...given, emptyDir: {} };
  for (const source of ['configMap', 'secret'])
    made = within(made, source, (from) => fill(from, { defaultMode: MODE }));
  made = within(made, 'downwardAPI', (from) => items(fill(from, { defaultMode: MODE })));
  return within(made, 'projected', (from) =>
    each(fill(from, { defaultMode: MODE }), 'sources', (source) =>
      within(within(source, 'downwardAPI', items), 'serviceAccountToken', (token) =>
        fill(token, { expirationSeconds: 3600 }),
      ),
    ),
  );
};

/** What every pod gets, in a template too. */
const podSpec: Default = (given) => {
  const account = asText(given.serviceAccountName) || asText(given.serviceAccount);
  const named = account ? { ...given, serviceAccountName: account, serviceAccount: account } : given;
  const made = fill(named, {
    dnsPolicy: 'ClusterFirst',
    restartPolicy: 'Always',
    schedulerName: 'default-scheduler',
    securityContext: {},
    terminationGracePeriodSeconds: 30,
  });
  return each(each(each(made, 'containers', container), 'initContainers', container), 'volumes', volume);
};

/** Seconds that a pod stays on a node that is not ready: the DefaultTolerationSeconds plugin's. */
const TOLERATED_SECONDS = 300;
const nodeTaints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

/** What a pod alone gets, from Kubernetes' admission plugins. */
const admittedPod: Default = (given) => {
  const account = asText(given.serviceAccountName) || 'default';
  const tolerations = asList(given.tolerations).map(asObject);
  const isTolerated = (key: string) =>
    tolerations.some(
      (toleration) =>
        (toleration.key === key || (!toleration.key && toleration.operator === 'Exists')) &&
        (!toleration.effect || toleration.effect === 'NoExecute'),
    );
  const added = nodeTaints
    .filter((key) => !isTolerated(key))
    .map((key) => ({
      key,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: TOLERATED_SECONDS,
    }));
  return {
    ...fill(given, { enableServiceLinks: true, preemptionPolicy: 'PreemptLowerPriority', priority: 0 }),
    serviceAccount: account,
    serviceAccountName: account,
    tolerations: [...tolerations, ...added],
  };
};

const template: Default = (given) => within(fill(given, { metadata: {} }), 'spec', podSpec);

const deployment: Default = (object) =>
  within(object, 'spec', (spec) => {
    const filled = fill(spec, { progressDeadlineSeconds: 600, replicas: 1, revisionHistoryLimit: 10 });
    const strategy = fill(asObject(filled.strategy), { type: 'RollingUpdate' });
    const rolling = fill(asObject(strategy.rollingUpdate), { maxSurge: '25%', maxUnavailable: '25%' });
    const full = strategy.type === 'RollingUpdate' ? { ...strategy, rollingUpdate: rolling } : strategy;
    return within({ ...filled, strategy: full }, 'template', template);
  });

const replicaSet: Default = (object) =>
  within(object, 'spec', (spec) => within(fill(spec, { replicas: 1 }), 'template', template));

const service: Default = (object) =>
  within(object, 'spec', (spec) => {
    const clusterIP = asText(spec.clusterIP);
    const made = fill(spec, {
      clusterIPs: clusterIP ? [clusterIP] : undefined,
      internalTrafficPolicy: 'Cluster',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      sessionAffinity: 'None',
      type: 'ClusterIP',
    });
    return each(made, 'ports', (port) => {
      const filled = fill(port, { protocol: 'TCP' });
      const noTarget = filled.targetPort === undefined || filled.targetPort === 0 || filled.targetPort === '';
      return noTarget ? { ...filled, targetPort: filled.port } : filled;
    });
  });

const secret: Default = (object) => {
  const { stringData, ...rest } = object;
  const encoded = Object.entries(asObject(stringData)).map(
    ([key, value]) => [key, Buffer.from(asText(value)).toString('base64')] as const,
  );
  const data = encoded.length
    ? { data: Object.fromEntries([...Object.entries(asObject(rest.data)), ...encoded]) }
    : {};
  return fill({ ...rest, ...data }, { type: 'Opaque' });
};

const named = (object: JsonObject) => asText(asObject(object.metadata).name);

const defaulters: Partial<Record<ResourceName, Default>> = {
  deployments: deployment,
  // As Go has it: a struct that is left out is an empty one.
  events: (object) => fill(object, { involvedObject: {} }),
  endpointslices: (object) => each(object, 'ports', (port) => fill(port, { name: '', protocol: 'TCP' })),
  namespaces: (object) => {
    const name = named(object);
    // The label by which selectors know it, and the finalizer that empties it before it goes.
    const metadata = asObject(object.metadata);
    const labels = { ...asObject(metadata.labels), ...(name ? { 'kubernetes.io/metadata.name': name } : {}) };
    const spec = fill(asObject(object.spec), { finalizers: ['kubernetes'] });
    return { ...object, metadata: { ...metadata, labels }, spec };
  },
  pods: (object) => within(object, 'spec', (spec) => admittedPod(podSpec(spec))),
  replicasets: replicaSet,
  rolebindings: (object) => {
    const group = 'rbac.authorization.k8s.io';
    const made = each(object, 'subjects', (subject) =>
      fill(subject, { apiGroup: subject.kind === 'ServiceAccount' ? undefined : group }),
    );
    return within(made, 'roleRef', (ref) => fill(ref, { apiGroup: group }));
  },
  secrets: secret,
  services: service,
};
