// What a client dials, by its own settings.
import { describe, expect, it } from 'vitest';
import { parseTarget, targetsIn } from '../../scripts/diagnosis/targets.ts';

const env = (variables: Record<string, string>) =>
  Object.entries(variables).map(([name, value]) => ({ name, value }));
const container = (fields: object) => ({ name: 'app', ...fields });

describe('a text is a target', () => {
  it.each([
    ['dns:///a:1', { host: 'a', port: 1, scheme: 'dns' }],
    ['dns:a:1', { host: 'a', port: 1, scheme: 'dns' }],
    ['dns:///a', { host: 'a', scheme: 'dns' }],
    ['dns://10.96.0.10/a.b.svc:50051', { host: 'a.b.svc', port: 50051, scheme: 'dns' }],
    ['a.b.svc.cluster.local:80', { host: 'a.b.svc.cluster.local', port: 80 }],
    ['a.b.svc.cluster.local.:80', { host: 'a.b.svc.cluster.local.', port: 80 }],
    ['http://a:80', { host: 'a', port: 80, scheme: 'http' }],
    ['http://a/path?x=1', { host: 'a', scheme: 'http' }],
    ['https://user:pw@a.b:8443/x', { host: 'a.b', port: 8443, scheme: 'https' }],
    ['https://[redacted]@a.b:8443/x', { host: 'a.b', port: 8443, scheme: 'https' }],
    ['grpcs://a:443', { host: 'a', port: 443, scheme: 'grpcs' }],
    ['kubernetes:///svc.ns:50051', { host: 'svc.ns', port: 50051, scheme: 'kubernetes' }],
    ['kubernetes:///svc.ns:grpc', { host: 'svc.ns', scheme: 'kubernetes' }],
    ['xds:///greeter', { host: 'greeter', scheme: 'xds' }],
    ['passthrough:///a:1', { host: 'a', port: 1, scheme: 'passthrough' }],
    ['ipv4:10.0.0.7:50051,10.0.0.8:50051', { host: '10.0.0.7', port: 50051, scheme: 'ipv4' }],
    ['ipv6:[::1]:50051', { host: '::1', port: 50051, scheme: 'ipv6' }],
    ['[fd00::7]:50051', { host: 'fd00::7', port: 50051 }],
    ['10.0.0.7:50051', { host: '10.0.0.7', port: 50051 }],
    ['localhost:50051', { host: 'localhost', port: 50051 }],
  ])('%s', (raw, expected) => {
    expect(parseTarget(raw)).toEqual({ raw, ...expected });
  });

  it.each([
    'a',
    '12:30',
    '0.0.0.0:50051',
    '[::]:50051',
    ':50051',
    'a:0',
    'a:70000',
    'postgres://db:5432/x',
    'unix:///run/a.sock',
    '/etc/config:ro',
    'a b:1',
    'info',
    '{"a":1}',
    'C:\\x',
  ])('%s is none', (text) => {
    expect(parseTarget(text)).toBeUndefined();
  });
});

describe('targets are found', () => {
  it('in variables, with where they stand', () => {
    const found = targetsIn(container({ env: env({ TARGET: 'dns:///a:1', LEVEL: 'info' }) }), []);
    expect(found).toEqual([{ raw: 'dns:///a:1', host: 'a', port: 1, scheme: 'dns', where: 'env TARGET' }]);
  });

  it('in pairs of HOST and PORT that begin alike', () => {
    const variables = { GREETER_HOST: 'greeter.shop', OTHER_PORT: '1', GREETER_PORT: '50051', PORT: '8080' };
    expect(targetsIn(container({ env: env(variables) }), [])).toEqual([
      {
        raw: 'greeter.shop:50051',
        host: 'greeter.shop',
        port: 50051,
        where: 'env GREETER_HOST, env GREETER_PORT',
      },
    ]);
  });

  it('as a host alone only where a peer is meant', () => {
    const variables = { GREETER_ADDRESS: 'greeter', DB_HOST: 'db', MODE: 'greeter', DEBUG_ADDR: 'true' };
    expect(targetsIn(container({ env: env(variables) }), [])).toEqual([
      { raw: 'greeter', host: 'greeter', where: 'env GREETER_ADDRESS' },
    ]);
  });

  it('in args and commands: options, their values, words of a shell', () => {
    const found = targetsIn(
      container({
        command: ['sh', '-c', 'exec grpcurl -plaintext "shell:50051" greet.Greeter/SayHello'],
        args: ['--target=dns:///a:1', '--upstream', 'b', '-Dgrpc.target=c:3', '--listen=d:4', 'app:x'],
      }),
      [],
    );
    expect(found.map(({ host, where }) => `${host} ${where}`)).toEqual([
      'shell command[2]',
      'a args[0]',
      'b args[2]',
      'c args[3]',
    ]);
  });

  it('in ConfigMaps, also with a prefix, and where variables are put together', () => {
    const configMap = {
      metadata: { name: 'settings' },
      data: { TARGET: 'a:1', host: 'b', port: '2' },
    };
    const found = targetsIn(
      container({
        envFrom: [{ configMapRef: { name: 'settings' }, prefix: 'APP_' }, { configMapRef: { name: 'gone' } }],
        env: [
          { name: 'TARGET', valueFrom: { configMapKeyRef: { name: 'settings', key: 'host' } } },
          { name: 'TWO', value: 'dns:///$(APP_host).shop:$(APP_port)' },
          { name: 'SECRET', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
        ],
        args: ['--peer=$(APP_host):3', '$(UNKNOWN):4'],
      }),
      [configMap],
    );
    expect(found).toEqual([
      { raw: 'a:1', host: 'a', port: 1, where: 'env APP_TARGET (ConfigMap settings)' },
      {
        raw: 'b:2',
        host: 'b',
        port: 2,
        where: 'env APP_host (ConfigMap settings), env APP_port (ConfigMap settings)',
      },
      { raw: 'b', host: 'b', where: 'env TARGET (ConfigMap settings)' },
      { raw: 'dns:///b.shop:2', host: 'b.shop', port: 2, scheme: 'dns', where: 'env TWO' },
      { raw: 'b:3', host: 'b', port: 3, where: 'args[0]' },
    ]);
  });

  it('not in proxies, images, or where the program listens itself', () => {
    const variables = {
      http_proxy: 'http://proxy:3128',
      GRPC_PROXY: 'proxy:3128',
      SIDECAR_IMAGE: 'redis:7',
      BIND_ADDRESS: '10.0.0.1:80',
      LISTEN: 'localhost:80',
      LISTEN_HOST: 'localhost',
      LISTEN_PORT: '80',
    };
    expect(targetsIn(container({ env: env(variables) }), [])).toEqual([]);
  });

  it('each once, several in one value', () => {
    const found = targetsIn(container({ env: env({ A: 'a:1, b:2', B: 'a:1', C: '{"target":"c:3"}' }) }), []);
    expect(found.map(({ raw }) => raw)).toEqual(['a:1', 'b:2', 'c:3']);
  });
});
