import { describe, expect, it } from 'vitest';
import { DnsPollResolver } from '../../../../../services/grpc-kit/src/resolver/dns-poll/resolver.ts';
import { parseTarget } from '../../../../../services/grpc-kit/src/resolver/dns-poll/target.ts';
import { parsed } from '../uri.ts';

describe('dns-poll targets', () => {
  it.each([
    ['dns-poll:///greeter.shop:50051', {}],
    ['dns-poll:greeter.shop:50051', {}],
    ['dns-poll:///greeter.shop.:1', { host: 'greeter.shop.', port: 1, authority: 'greeter.shop.:1' }],
    ['dns-poll:///10.0.0.1:50051', { host: '10.0.0.1', authority: '10.0.0.1:50051' }],
    ['dns-poll:///[fd00::1]:50051', { host: 'fd00::1', authority: '[fd00::1]:50051' }],
    ['dns-poll:///greeter.shop:50051?interval=500ms', { intervalMs: 500 }],
    ['dns-poll:///greeter.shop:50051?interval=5s', { intervalMs: 5000 }],
    ['dns-poll:///greeter.shop:50051?interval=1.5s', { intervalMs: 1500 }],
    ['dns-poll:///greeter.shop:50051?interval=2m', { intervalMs: 120_000 }],
    ['dns-poll:///greeter.shop:50051?interval=1h', { intervalMs: 3_600_000 }],
    ['dns-poll:///greeter.shop:50051?jitter=0&ttl=ignore', { jitter: 0, respectTtl: false }],
    ['dns-poll:///greeter.shop:50051?ttl=respect&jitter=0.25', { jitter: 0.25 }],
  ])('%s', (text, expected) => {
    expect(parseTarget(parsed(text))).toEqual({
      text,
      host: 'greeter.shop',
      port: 50051,
      authority: 'greeter.shop:50051',
      intervalMs: 30_000,
      jitter: 0.1,
      respectTtl: true,
      ...expected,
    });
  });

  it.each([
    ['dns-poll://greeter.shop:50051', /three slashes, dns-poll:\/\/\/name:port\?interval=30s/],
    ['dns-poll://10.96.0.10/greeter.shop:50051', /three slashes/],
    ['dns-poll:///greeter.shop', /it needs the number of a port/],
    ['dns-poll:///greeter.shop:grpc', /expected dns-poll/],
    ['dns-poll:///fd00::1:50051', /expected dns-poll/],
    ['dns-poll:///[greeter]:50051', /expected dns-poll/],
    ['dns-poll:///:50051', /expected dns-poll/],
    ['dns-poll:///gr eeter:50051', /expected dns-poll/],
    ['dns-poll:///greeter:50051?interval=1s?ttl=ignore', /expected dns-poll/],
    ['dns-poll:///greeter:0', /port 0 is not between 1 and 65535/],
    ['dns-poll:///greeter:65536', /port 65536 is not/],
    ['dns-poll:///greeter:1?intervall=5s', /unknown option "intervall": there are interval, jitter and ttl/],
    ['dns-poll:///greeter:1?interval=5', /interval is "5": expected 100ms to 24h/],
    ['dns-poll:///greeter:1?interval=99ms', /interval is "99ms"/],
    ['dns-poll:///greeter:1?interval=25h', /interval is "25h"/],
    ['dns-poll:///greeter:1?jitter=1', /jitter is "1": expected a share/],
    ['dns-poll:///greeter:1?jitter=-0.1', /jitter is "-0.1"/],
    ['dns-poll:///greeter:1?jitter=', /jitter is ""/],
    ['dns-poll:///greeter:1?ttl=yes', /ttl is "yes": expected respect or ignore/],
  ])('%s is refused', (text, why) => {
    expect(() => parseTarget(parsed(text))).toThrow(why);
    expect(() => DnsPollResolver.getDefaultAuthority(parsed(text))).toThrow(`Target ${text}: `);
    expect(() => new DnsPollResolver(parsed(text), () => true, {})).toThrow(why);
  });

  it('has name and port as authority', () => {
    expect(DnsPollResolver.getDefaultAuthority(parsed('dns-poll:///greeter:1?interval=5s'))).toBe(
      'greeter:1',
    );
  });
});
