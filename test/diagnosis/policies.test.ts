import { describe, expect, it } from 'vitest';
import type { Facts } from '../../scripts/diagnosis/facts.ts';
import { type End, type Flow, policiesOf } from '../../scripts/diagnosis/situation/policies.ts';

type Policy = Facts['objects']['networkPolicies'][number];
type Spec = NonNullable<Policy['spec']>;

const container = { ports: [{ name: 'grpc', port: 50051 }], init: false };
const end = (namespace: string, labels: Record<string, string>, ip: string): End => ({
  namespace,
  labels,
  ips: [ip],
  containers: [container as never],
});
const web = end('front', { app: 'web' }, '10.0.1.5');
const greeter = end('shop', { app: 'greeter', tier: 'back' }, '10.0.2.7');
const teams: Record<string, Record<string, string>> = { front: { team: 'a' }, shop: { team: 'b' } };

/** As JSON has it: the field is `from`. */
const policy = (spec: object, namespace = 'shop'): Policy => ({
  metadata: { name: 'p', namespace },
  spec: spec as Spec,
});
const denies = (policies: Policy[], change: Partial<Flow> = {}) =>
  policiesOf(policies, (namespace) => ({
    'kubernetes.io/metadata.name': namespace,
    ...teams[namespace],
  })).denies({
    from: web,
    to: greeter,
    port: 50051,
    protocol: 'TCP',
    ...change,
  })?.direction;

const all = { podSelector: {} };
const fromFront = { from: [{ namespaceSelector: { matchLabels: { team: 'a' } } }] };

describe('policies', () => {
  it.each<[string, Policy[], string | undefined]>([
    ['without any, all is allowed', [], undefined],
    ['in another namespace they say nothing', [policy({ ...all }, 'other')], undefined],
    ['for other pods they say nothing', [policy({ podSelector: { matchLabels: { app: 'x' } } })], undefined],
    ['without rules deny ingress, which is the default type', [policy(all)], 'Ingress'],
    [
      'select by expressions',
      [
        policy({
          podSelector: { matchExpressions: [{ key: 'tier', operator: 'In', values: ['back', 'mid'] }] },
        }),
      ],
      'Ingress',
    ],
    [
      'do not select by expressions that do not hold',
      [policy({ podSelector: { matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['back'] }] } })],
      undefined,
    ],
    [
      'select what lacks a label',
      [policy({ podSelector: { matchExpressions: [{ key: 'x', operator: 'DoesNotExist' }] } })],
      'Ingress',
    ],
    ['of egress alone leave ingress open', [policy({ ...all, policyTypes: ['Egress'] })], undefined],
    [
      'of egress deny what the client sends',
      [policy({ ...all, policyTypes: ['Egress'] }, 'front')],
      'Egress',
    ],
    ['with egress rules are of both types', [policy({ ...all, egress: [{}] })], 'Ingress'],
    ['an empty rule allows all', [policy({ ...all, ingress: [{}] })], undefined],
    ['add up: one that allows is enough', [policy(all), policy({ ...all, ingress: [fromFront] })], undefined],
    [
      'a pod selector alone is of the own namespace',
      [policy({ ...all, ingress: [{ from: [{ podSelector: { matchLabels: { app: 'web' } } }] }] })],
      'Ingress',
    ],
    [
      'both selectors in one peer must hold',
      [
        policy({
          ...all,
          ingress: [{ from: [{ namespaceSelector: {}, podSelector: { matchLabels: { app: 'other' } } }] }],
        }),
      ],
      'Ingress',
    ],
    [
      'an empty namespace selector is every namespace',
      [
        policy({
          ...all,
          ingress: [{ from: [{ namespaceSelector: {}, podSelector: { matchLabels: { app: 'web' } } }] }],
        }),
      ],
      undefined,
    ],
    [
      'the name of a namespace is a label of it',
      [
        policy({
          ...all,
          ingress: [
            { from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'front' } } }] },
          ],
        }),
      ],
      undefined,
    ],
    [
      'a block has the address',
      [policy({ ...all, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/16' } }] }] })],
      undefined,
    ],
    [
      'a block has an exception',
      [
        policy({
          ...all,
          ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/16', except: ['10.0.1.0/24'] } }] }],
        }),
      ],
      'Ingress',
    ],
    [
      'a block of the other family has it not',
      [policy({ ...all, ingress: [{ from: [{ ipBlock: { cidr: 'fd00::/8' } }] }] })],
      'Ingress',
    ],
    ['a port by number', [policy({ ...all, ingress: [{ ports: [{ port: 50051 }] }] })], undefined],
    ['another port', [policy({ ...all, ingress: [{ ports: [{ port: 8080 }] }] })], 'Ingress'],
    ['a port by name', [policy({ ...all, ingress: [{ ports: [{ port: 'grpc' }] }] })], undefined],
    [
      'a name that the pod does not have',
      [policy({ ...all, ingress: [{ ports: [{ port: 'http' }] }] })],
      'Ingress',
    ],
    [
      'a range of ports',
      [policy({ ...all, ingress: [{ ports: [{ port: 50000, endPort: 50100 }] }] })],
      undefined,
    ],
    [
      'a range that ends before',
      [policy({ ...all, ingress: [{ ports: [{ port: 50000, endPort: 50050 }] }] })],
      'Ingress',
    ],
    [
      'another protocol',
      [policy({ ...all, ingress: [{ ports: [{ port: 50051, protocol: 'UDP' }] }] })],
      'Ingress',
    ],
    [
      'a protocol without a port',
      [policy({ ...all, ingress: [{ ports: [{ protocol: 'TCP' }] }] })],
      undefined,
    ],
  ])('%s', (_, policies, direction) => {
    expect(denies(policies)).toBe(direction);
  });

  it('read rules as the client library names them too', () => {
    expect(denies([policy({ ...all, ingress: [{ _from: fromFront.from }] })])).toBeUndefined();
    expect(denies([policy({ ...all, ingress: [{ _from: [{ podSelector: {} }] }] })])).toBe('Ingress');
  });

  it('do not reach pods in the network of their node', () => {
    expect(denies([policy(all)], { to: { ...greeter, hostNetwork: true } })).toBeUndefined();
  });
});
