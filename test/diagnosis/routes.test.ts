import { describe, expect, it } from 'vitest';
import { situationOf } from '../../scripts/diagnosis/situation/index.ts';
import { type Edit, edited, healthy, type Options } from '../support/facts.ts';

const routes = (target: string, options: Partial<Options> = {}, ...edits: Edit[]) =>
  situationOf(edited(healthy({ lab: false, target, ...options }), ...edits)).routes;
const only = (...given: Parameters<typeof routes>) => {
  const [route, ...rest] = routes(...given);
  expect(rest).toEqual([]);
  return route;
};

describe('what a target means', () => {
  it.each([
    ['dns:///greeter:50051', 50051],
    ['greeter.shop:50051', 50051],
    ['dns:///greeter.shop.svc.cluster.local:50051', 50051],
    ['greeter-7c9f4d-0.greeter.shop.svc:50051', 50051],
    ['greeter-7c9f4d-0.greeter:50051', 50051],
    ['dns:///greeter', 443],
    ['http://greeter', 80],
    ['https://greeter.shop', 443],
    ['kubernetes:///greeter.shop', undefined],
  ])('%s', (target, port) => {
    const route = only(target);
    expect({ service: route?.service?.ref, port: route?.port, kind: route?.meaning.kind }).toEqual({
      service: 'shop/greeter',
      port,
      kind: 'service',
    });
  });

  it('a virtual IP is its Service, a pod its pod', () => {
    expect(only('10.96.0.20:50051', { headless: false })?.service?.ref).toBe('shop/greeter');
    expect(only('10.1.0.11:50051')?.meaning).toMatchObject({
      kind: 'pod',
      pod: { name: 'greeter-7c9f4d-1' },
    });
  });

  it.each(['example.com:443', 'api.example.com:443', 'greeter.shop.svc.other.domain:50051', '8.8.8.8:443'])(
    '%s is outside',
    (target) => {
      expect(only(target)?.meaning.kind).toBe('outside');
    },
  );

  it('a name that is not there has the nearest, and those elsewhere', () => {
    expect(only('greter:50051')?.meaning).toMatchObject({
      kind: 'absent',
      short: true,
      nearest: [{ name: 'greeter' }],
      elsewhere: [],
    });
    expect(only('greeter:50051', { clientNamespace: 'front' })?.meaning).toMatchObject({
      kind: 'absent',
      short: true,
      elsewhere: [{ ref: 'shop/greeter' }],
    });
    expect(only('greeter.shopp:50051')?.meaning).toMatchObject({
      kind: 'absent',
      short: false,
      namespaceExists: false,
    });
  });

  it('Services that could not be read are not held for absent', () => {
    const unseen: Edit = (facts) => {
      facts.unseen.push({ what: 'Services in shop', why: 'forbidden' });
      facts.objects.services.length = 0;
    };
    expect(only('greeter:50051', {}, unseen)?.meaning.kind).toBe('outside');
  });

  it('the domain of the cluster is what resolv.conf says', () => {
    const domain: Edit = ({ probes }) => {
      for (const { answer } of probes)
        Object.assign(answer.resolvConf ?? {}, { search: ['shop.svc.k8s.acme', 'svc.k8s.acme'] });
    };
    const target = 'greeter.shop.svc.k8s.acme:50051';
    expect(only(target, { lab: true }, domain)?.meaning.kind).toBe('service');
    expect(only(target, { lab: true })?.meaning.kind).toBe('outside');
  });

  it('of a Service that is asked about, others do not matter', () => {
    const other: Edit = ({ objects }) => {
      for (const { spec } of objects.deployments)
        spec?.template.spec?.containers[0]?.env?.push({ name: 'CACHE_ADDR', value: 'redis:6379' });
    };
    expect(routes('greeter:50051', {}, other).map(({ target }) => target?.host)).toEqual([
      'greeter',
      'redis',
    ]);
    expect(routes('greeter:50051', { asked: 'greeter' }, other).map(({ target }) => target?.host)).toEqual([
      'greeter',
    ]);
  });

  it('a word alone is a target only where a Service is called so, or nearly', () => {
    expect(routes('stdout')).toEqual([]);
    expect(only('greter')?.meaning.kind).toBe('absent');
  });
});
