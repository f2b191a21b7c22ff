import { experimental } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { KubernetesResolver } from '../../../../../services/grpc-kit/src/resolver/kubernetes/resolver.ts';
import { parseTarget } from '../../../../../services/grpc-kit/src/resolver/kubernetes/target.ts';
import { parsed } from '../uri.ts';

describe('kubernetes targets', () => {
  it.each([
    ['kubernetes:///greeter.shop:grpc', 'greeter', 'shop', 'grpc'],
    ['kubernetes:greeter.shop:grpc', 'greeter', 'shop', 'grpc'],
    ['kubernetes:///greeter.shop:50051', 'greeter', 'shop', 50051],
    ['kubernetes:///greeter.shop', 'greeter', 'shop', undefined],
    ['kubernetes:///greeter:grpc', 'greeter', undefined, 'grpc'],
    ['kubernetes:///greeter.shop.svc:grpc', 'greeter', 'shop', 'grpc'],
    ['kubernetes:///greeter.shop.svc.cluster.local:grpc', 'greeter', 'shop', 'grpc'],
    ['kubernetes:///greeter.shop.svc.cluster.local.:grpc', 'greeter', 'shop', 'grpc'],
    ['kubernetes:///greeter.svc:grpc', 'greeter', 'svc', 'grpc'],
  ])('%s', (text, service, namespace, port) => {
    expect(parseTarget(parsed(text))).toEqual({ text, service, namespace, port });
  });

  it.each([
    [
      'kubernetes://greeter.shop:grpc',
      /write it with three slashes, kubernetes:\/\/\/service.namespace:port/,
    ],
    ['kubernetes://api/greeter.shop:grpc', /three slashes/],
    ['kubernetes:///greeter.shop.svc.other.domain:grpc', /expected kubernetes:\/\/\/service.namespace:port/],
    ['kubernetes:///a.b.c:grpc', /expected/],
    ['kubernetes:///greeter.shop:grpc:x', /expected/],
    ['kubernetes:///Greeter.shop:grpc', /"Greeter" is no name of a Service/],
    ['kubernetes:///greeter.a%2fb:grpc', /"a%2fb" is no name of a namespace/],
    ['kubernetes:///greeter.shop:', /"" is neither the name nor the number of a port/],
    ['kubernetes:///greeter.shop:grpc?x=1', /"grpc\?x=1" is neither/],
    ['kubernetes:///greeter.shop:0', /port 0 is not between 1 and 65535/],
    ['kubernetes:///greeter.shop:65536', /port 65536/],
  ])('%s is refused', (text, why) => {
    expect(() => parseTarget(parsed(text))).toThrow(why);
    expect(() => parseTarget(parsed(text))).toThrow(`Target ${text}: `);
    expect(() => KubernetesResolver.getDefaultAuthority(parsed(text))).toThrow(why);
    expect(() => new KubernetesResolver(parsed(text), () => true, {})).toThrow(why);
  });

  it('has the host as authority', () => {
    expect(KubernetesResolver.getDefaultAuthority(parsed('kubernetes:///greeter.shop.svc:grpc'))).toBe(
      'greeter.shop',
    );
    expect(KubernetesResolver.getDefaultAuthority(parsed('kubernetes:///greeter:1'))).toBe('greeter');
  });

  it('is split by grpc-js as by these tests', () => {
    expect(experimental.uriToString(parsed('kubernetes:///greeter.shop:grpc'))).toBe(
      'kubernetes:///greeter.shop:grpc',
    );
  });
});
