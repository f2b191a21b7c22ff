// What a workload's channels do to the sockets of its pod: per call and shared, left open and closed, idle and TLS.
import { describe, expect, it } from 'vitest';
import { makeCertificate } from '../../scripts/common/certificate.ts';
import { parseSockets } from '../../services/common/sockets.ts';
import type { SocketsAnswer, WorkloadRequest } from '../../services/protocol/index.ts';
import { type Service, startClient, startServer, until } from './harness.ts';

const CALLS = 30;

/** The connections of this client to a server: these processes share the machine's sockets with all others. */
async function socketsTo(client: Service, server: Service) {
  const { connections, channelz, portRange } = (await client.ask('GET', '/sockets')) as SocketsAnswer;
  const own = connections.filter(({ remotePort }) => remotePort === server.grpcPort);
  const established = own.filter(({ state }) => state === 'ESTABLISHED').length;
  return { established, channelz, portRange };
}

/** The client's ports of connections that are in TIME_WAIT on its side, or on that of the server. */
async function timeWaitBetween(client: Service, server: Service): Promise<Set<number>> {
  const [ofClient, ofServer] = (await Promise.all([
    client.ask('GET', '/sockets'),
    server.ask('GET', '/sockets'),
  ])) as [SocketsAnswer, SocketsAnswer];
  const there = ofClient.connections.filter(({ remotePort }) => remotePort === server.grpcPort);
  const here = ofServer.connections.filter(({ localPort }) => localPort === server.grpcPort);
  const waiting = [
    ...there.map(({ localPort, state }) => ({ port: localPort, state })),
    ...here.map(({ remotePort, state }) => ({ port: remotePort, state })),
  ].filter(({ state }) => state === 'TIME_WAIT');
  return new Set(waiting.map(({ port }) => port));
}

/** Calls, and then stops to call but goes on. A handshake each may take a busy machine seconds. */
async function afterCalls(client: Service, spec: Omit<WorkloadRequest, 'id' | 'ratePerSecond'>) {
  await client.ask('POST', '/workloads', { id: 'w', ratePerSecond: 20, deadlineMs: 15_000, ...spec });
  await until('calls', async () => (await client.ask('GET', '/workloads/w')).ended >= CALLS);
  await client.ask('PATCH', '/workloads/w', { ratePerSecond: 0.001 });
  const { ended, codes } = await until('all have ended', async () => {
    const status = await client.ask('GET', '/workloads/w');
    return status.inFlight === 0 && status;
  });
  expect(codes).toEqual({ OK: ended });
  return ended as number;
}

describe.concurrent('a channel per call', () => {
  it('with a pool of its own, left open, leaks a connection each, until the workload ends', async () => {
    await using server = await startServer();
    await using client = await startClient();
    const calls = await afterCalls(client, {
      target: server.target,
      channelPer: 'call',
      closeChannels: false,
      subchannelPool: 'own',
    });
    const seen = await socketsTo(client, server);
    expect(seen.established).toBe(calls);
    expect(seen.channelz).toEqual({ channels: calls, connections: calls });
    expect(seen.portRange?.[1]).toBeGreaterThan(1024);
    await client.ask('DELETE', '/workloads/w');
    await until('they are closed', async () => (await socketsTo(client, server)).established === 0);
    expect((await socketsTo(client, server)).channelz).toEqual({ channels: 0, connections: 0 });
  });

  it('in the default pool shares one connection', async () => {
    await using server = await startServer();
    await using client = await startClient();
    const calls = await afterCalls(client, {
      target: server.target,
      channelPer: 'call',
      closeChannels: false,
    });
    const { established, channelz } = await socketsTo(client, server);
    expect(established).toBe(1);
    expect(channelz).toEqual({ channels: calls, connections: 1 });
    const { residentBytes = 0 } = (await server.ask('GET', '/sockets')) as SocketsAnswer;
    // Node alone takes some thirty megabytes.
    expect(residentBytes).toBeGreaterThan(20_000_000);
    expect(residentBytes).toBeLessThan(1_000_000_000);
  });

  it('in the default pool with TLS credentials made each time leaks a connection each', async () => {
    const { ca, cert, key } = await makeCertificate('greeter-server', [{ type: 'ip', value: '127.0.0.1' }]);
    await using server = await startServer({ GRPC_TLS_CERT: cert, GRPC_TLS_KEY: key });
    await using client = await startClient();
    const calls = await afterCalls(client, {
      target: server.target,
      channelPer: 'call',
      closeChannels: false,
      tls: { ca },
    });
    const { established, channelz } = await socketsTo(client, server);
    expect(established).toBe(calls);
    expect(channelz).toEqual({ channels: calls, connections: calls });
  });

  it('closed with its call leaves TIME_WAIT behind, on the side that was the first to close', async () => {
    await using server = await startServer();
    await using client = await startClient();
    const calls = await afterCalls(client, {
      target: server.target,
      channelPer: 'call',
      subchannelPool: 'own',
    });
    const seen = await until('all are closed', async () => {
      const now = await socketsTo(client, server);
      return now.established === 0 && now;
    });
    await until('all wait', async () => (await timeWaitBetween(client, server)).size === calls);
    expect(seen.channelz).toEqual({ channels: 0, connections: 0 });
  });
});

describe('a channel without calls', () => {
  it('lets go of its connection after the idle time-out, which a pool then keeps for up to 10 s', async () => {
    await using server = await startServer();
    await using client = await startClient();
    await afterCalls(client, {
      target: server.target,
      channelOptions: { 'grpc.client_idle_timeout_ms': 4000 },
    });
    const sinceMs = performance.now();
    expect((await socketsTo(client, server)).established).toBe(1);
    await until('it is closed', async () => (await socketsTo(client, server)).established === 0);
    expect(performance.now() - sinceMs).toBeGreaterThan(2000);
    expect(performance.now() - sinceMs).toBeLessThan(25_000);
  });
});

describe('/proc/net/tcp', () => {
  it('is read as the kernel writes it', () => {
    const text = [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
      '   0: 0100007F:C383 0200A8C0:1F90 01 00000000:00000000 00:00000000 00000000  0 0 12345 1',
      '   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0 0 12345 1',
      '   2: 0000000000000000FFFF00000100007F:0050 0000000000000000FFFF00000200007F:C000 06 0:0 0:0 0 0 0',
      '   3: B80D01200000000000000000EFCDAB89:0050 00000000000000000000000001000000:C000 0F 0:0 0:0 0 0 0',
      '',
    ].join('\n');
    expect(parseSockets(text)).toEqual([
      {
        localAddress: '127.0.0.1',
        localPort: 50_051,
        remoteAddress: '192.168.0.2',
        remotePort: 8080,
        state: 'ESTABLISHED',
      },
      {
        localAddress: '0.0.0.0',
        localPort: 8080,
        remoteAddress: '0.0.0.0',
        remotePort: 0,
        state: 'LISTEN',
      },
      {
        localAddress: '127.0.0.1',
        localPort: 80,
        remoteAddress: '127.0.0.2',
        remotePort: 49_152,
        state: 'TIME_WAIT',
      },
      {
        localAddress: '2001:db8:0:0:0:0:89ab:cdef',
        localPort: 80,
        remoteAddress: '0:0:0:0:0:0:0:1',
        remotePort: 49_152,
        // One that is not known is given as it is.
        state: '0F',
      },
    ]);
  });
});
