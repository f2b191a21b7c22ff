import { describe, expect, it } from 'vitest';
import {
  type EndpointSlice,
  findEndpoints,
} from '../../../../../services/grpc-kit/src/resolver/kubernetes/endpoints.ts';
import { pod, slice } from '../fake-api.ts';

const texts = (slices: EndpointSlice[], port?: string | number) =>
  findEndpoints(slices, port).endpoints.map(({ addresses }) =>
    addresses.map((address) => ('host' in address ? `${address.host} ${address.port}` : '')).join('+'),
  );
const problem = (slices: EndpointSlice[], port?: string | number) => findEndpoints(slices, port).problem;
const conditions = (ready?: boolean, serving?: boolean, terminating?: boolean) => ({
  conditions: { ready: ready ?? null, serving: serving ?? null, terminating: terminating ?? null },
});

describe('which endpoints', () => {
  it('merges all slices, sorted', () => {
    const slices = [slice('b', ['10.0.0.3', '10.0.0.1']), slice('a', ['10.0.0.2'])];
    expect(texts(slices)).toEqual(['10.0.0.1 50051', '10.0.0.2 50051', '10.0.0.3 50051']);
    expect(findEndpoints(slices, undefined).problem).toBeUndefined();
  });

  it.each([
    ['ready', conditions(true, true, false), true],
    ['nothing said', { conditions: null }, true],
    ['all conditions null', conditions(), true],
    ['not ready', conditions(false, true, false), false],
    ['ready but not serving', conditions(true, false, false), false],
    ['not ready, serving not said', conditions(false), false],
    ['terminating and serving', conditions(false, true, true), false],
    ['terminating though said to be ready', conditions(true, true, true), false],
  ])('%s', (_, more, isThere) => {
    expect(texts([slice('a', [pod('10.0.0.1', more)])])).toEqual(isThere ? ['10.0.0.1 50051'] : []);
  });

  it('has an endpoint that is in two slices once, and when either says that it is ready', () => {
    expect(texts([slice('a', ['10.0.0.1']), slice('b', ['10.0.0.1'])])).toEqual(['10.0.0.1 50051']);
    const notReady = slice('b', [pod('10.0.0.1', conditions(false))]);
    expect(texts([slice('a', ['10.0.0.1']), notReady])).toEqual(['10.0.0.1 50051']);
    expect(texts([notReady, slice('a', ['10.0.0.1'])])).toEqual(['10.0.0.1 50051']);
    expect(findEndpoints([slice('a', ['10.0.0.1']), notReady], undefined).counts).toEqual({
      ready: 1,
      notReady: 0,
      terminating: 0,
    });
  });

  it('has an address once that a pod took over from another', () => {
    const successor = pod('10.0.0.1', { targetRef: { uid: 'another' } });
    expect(texts([slice('a', ['10.0.0.1']), slice('b', [successor])])).toEqual(['10.0.0.1 50051']);
    const gone = pod('10.0.0.1', conditions(false, false, true));
    expect(texts([slice('a', [gone]), slice('b', [successor])])).toEqual(['10.0.0.1 50051']);
  });

  it('makes one endpoint of the IPv4 and the IPv6 address of a pod, IPv4 first', () => {
    const uid = { targetRef: { uid: 'one' } };
    const v6 = slice('v6', [pod('fd00::1', uid), pod('fd00::2')], { addressType: 'IPv6' });
    const v4 = slice('v4', [pod('10.0.0.1', uid)]);
    const expected = ['10.0.0.1 50051+fd00::1 50051', 'fd00::2 50051'];
    expect(texts([v6, v4])).toEqual(expected);
    expect(texts([v4, v6])).toEqual(expected);
    const { localities } = findEndpoints([v4, v6], undefined);
    expect([...localities.keys()].sort()).toEqual(['10.0.0.1:50051', '[fd00::1]:50051', '[fd00::2]:50051']);
  });

  it('leaves out the address of a family for which the pod is not ready', () => {
    const uid = { targetRef: { uid: 'one' } };
    const v6 = slice('v6', [pod('fd00::1', { ...uid, ...conditions(false) })], { addressType: 'IPv6' });
    expect(texts([v6, slice('v4', [pod('10.0.0.1', uid)])])).toEqual(['10.0.0.1 50051']);
  });

  it('skips names, and what is no address', () => {
    const fqdn = slice('f', ['example.com'], { addressType: 'FQDN' });
    expect(texts([fqdn, slice('a', ['10.0.0.1', { addresses: [] }, { addresses: ['nonsense'] }])])).toEqual([
      '10.0.0.1 50051',
    ]);
    expect(problem([fqdn])).toBe('has only names for endpoints (FQDN)');
  });

  it('takes endpoints that are no pods for what their addresses are', () => {
    const slices = [
      slice('a', [{ addresses: ['10.0.0.1'] }, { addresses: ['10.0.0.2'] }]),
      slice('b', [{ addresses: ['10.0.0.2'] }]),
    ];
    expect(texts(slices)).toEqual(['10.0.0.1 50051', '10.0.0.2 50051']);
  });

  it('takes the first address of an endpoint only', () => {
    expect(texts([slice('a', [{ addresses: ['10.0.0.1', '10.0.0.9'] }])])).toEqual(['10.0.0.1 50051']);
  });

  it('says where endpoints are, as far as it is known', () => {
    const slices = [
      slice('a', [
        pod('10.0.0.1'),
        { addresses: ['10.0.0.2'], nodeName: 'node-b' },
        pod('10.0.0.3', conditions(false)),
      ]),
    ];
    expect([...findEndpoints(slices, 'grpc').localities]).toEqual([
      ['10.0.0.1:50051', { node: 'node-a', zone: 'zone-a' }],
      ['10.0.0.2:50051', { node: 'node-b' }],
    ]);
  });
});

describe('which port', () => {
  const two = [
    { name: 'grpc', port: 50051, protocol: 'TCP' },
    { name: 'http', port: 8080 },
  ];
  const withPorts = (ports: EndpointSlice['ports'], name = 'a') =>
    slice(name, ['10.0.0.1'], { ports: ports ?? null });

  it('finds a name, and each slice has its own number for it', () => {
    const other = slice('b', ['10.0.0.2'], { ports: [{ name: 'grpc', port: 60000 }] });
    expect(texts([withPorts(two), other], 'grpc')).toEqual(['10.0.0.1 50051', '10.0.0.2 60000']);
    expect(texts([withPorts(two)], 'http')).toEqual(['10.0.0.1 8080']);
  });

  it('finds a number', () => expect(texts([withPorts(two)], 8080)).toEqual(['10.0.0.1 8080']));

  it('takes the only one, with or without a name', () => {
    expect(texts([withPorts([{ name: null, port: 7000 }])])).toEqual(['10.0.0.1 7000']);
    expect(
      texts([
        withPorts([
          { name: 'dns', port: 53, protocol: 'UDP' },
          { name: 'x', port: 7000 },
        ]),
      ]),
    ).toEqual(['10.0.0.1 7000']);
  });

  it('takes any number where slices have no ports, or all', () => {
    expect(texts([withPorts(null)], 7000)).toEqual(['10.0.0.1 7000']);
    expect(texts([withPorts([])], 7000)).toEqual(['10.0.0.1 7000']);
    expect(texts([withPorts([{ name: 'all', port: null }])], 7000)).toEqual(['10.0.0.1 7000']);
    expect(texts([withPorts([{ name: 'all', port: null }])], 'all')).toEqual([]);
  });

  it('names the ports there are', () => {
    expect(problem([withPorts(two)], 'gprc')).toBe(
      'has no port gprc: its ports are grpc (50051), http (8080)',
    );
    expect(problem([withPorts(two), withPorts(two, 'b')], 9)).toBe(
      'has no port 9: its ports are grpc (50051), http (8080)',
    );
    expect(problem([withPorts(two)])).toMatch(/must name one: its ports are grpc \(50051\), http \(8080\)$/);
    expect(problem([withPorts([{ port: 53, protocol: 'UDP' }])], 53)).toBe(
      'has no port 53: its ports are none',
    );
  });

  it('uses the slices that have it', () => {
    const without = slice('b', ['10.0.0.2'], { ports: [{ name: 'http', port: 1 }] });
    expect(texts([withPorts(two), without], 'grpc')).toEqual(['10.0.0.1 50051']);
  });
});

describe('why none', () => {
  it.each<[string, EndpointSlice[]]>([
    ['has no EndpointSlices: does the Service exist?', []],
    [
      'has no endpoints: does its selector match any pod?',
      [slice('a', []), { endpoints: null, ports: null }],
    ],
    [
      'has no endpoint that is ready: 2 not ready, 1 terminating',
      [
        slice('a', [pod('10.0.0.1', conditions(false)), pod('10.0.0.2', conditions(false, true, true))]),
        slice('b', [pod('10.0.0.3', conditions(false)), pod('10.0.0.1', conditions(false))]),
      ],
    ],
  ])('%s', (why, slices) => {
    expect(problem(slices, 'grpc')).toBe(why);
    expect(findEndpoints(slices, 'grpc').endpoints).toEqual([]);
  });

  it('counts a pod that is terminating in one slice and not ready in another as terminating', () => {
    const slices = [
      slice('a', [pod('10.0.0.1', conditions(false, false, true))]),
      slice('b', [pod('10.0.0.1', conditions(false))]),
    ];
    for (const order of [slices, slices.toReversed()]) {
      expect(findEndpoints(order, 'grpc').counts).toEqual({ ready: 0, notReady: 0, terminating: 1 });
    }
  });
});
