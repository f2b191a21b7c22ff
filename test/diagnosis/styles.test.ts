// The style of manifests does not hide a cause.
import { boolean, constantFrom, integer, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CAUSES } from '../../scripts/diagnosis/causes.ts';
import { judge } from '../../scripts/diagnosis/judge.ts';
import { BREAK } from '../support/broken.ts';
import { type Container, edited, healthy } from '../support/facts.ts';
import { holds } from '../support/property.ts';

const mesh: Container = {
  name: 'istio-proxy',
  image: 'istio/proxyv2',
  ports: [{ name: 'http-envoy-prom', containerPort: 15_090 }],
  readinessProbe: { httpGet: { path: '/healthz/ready', port: 15_021 } },
};
const shipper: Container = { name: 'log-shipper', image: 'fluent/fluent-bit' };

const style = record({
  namespace: constantFrom('shop', 'default', 'team-a-prod'),
  labels: constantFrom<Record<string, string>>(
    { app: 'greeter' },
    {
      'app.kubernetes.io/name': 'greeter',
      'app.kubernetes.io/instance': 'prod',
      'helm.sh/chart': 'greeter-1',
    },
    { component: 'backend', release: 'blue' },
    { run: 'g' },
  ),
  byName: boolean(),
  portName: constantFrom('grpc', 'h2c', 'api', 'grpc-api'),
  replicas: integer({ min: 2, max: 7 }),
  sidecars: constantFrom<Container[]>([], [mesh], [shipper, mesh]),
});

describe.each([true, false])('in any style, the client telling of itself: %s', (lab) => {
  it.each(CAUSES)('%s is named first', (cause) => {
    const { world = {}, edits } = BREAK[cause](lab);
    holds(
      property(style, (given) => {
        const [first] = judge(edited(healthy({ ...given, ...world, lab }), ...edits)).causes;
        expect(first?.cause).toBe(cause);
      }),
    );
  });
});
