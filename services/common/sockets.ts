// The kernel's own view of a pod's TCP connections. Source: Linux, Documentation/networking/proc_net_tcp.rst.
import { readFile } from 'node:fs/promises';
import type { SocketsAnswer } from '../protocol/index.ts';

/** Source: Linux, include/net/tcp_states.h; the first is 1. */
const STATES = [
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
];
const MOST_LISTED = 2000;

export type Socket = {
  localAddress: string;
  localPort: number;
  remoteAddress: string;
  remotePort: number;
  state: string;
};

/**
 * @param own address of the pod where it shares its network namespace with others; undefined: all are its own.
 * @param exceptPort local port whose connections are left out.
 * @throws Error where there is no /proc/net: on other systems than Linux.
 */
export async function readSockets(own: string | undefined, exceptPort: number): Promise<SocketsAnswer> {
  const [tcp, tcp6, range] = await Promise.all([
    readFile('/proc/self/net/tcp', 'utf8'),
    readFile('/proc/self/net/tcp6', 'utf8').catch(() => ''),
    readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').catch(() => ''),
  ]);
  const sockets = [...parseSockets(tcp), ...parseSockets(tcp6)].filter(
    ({ localAddress, localPort, state }) =>
      localPort !== exceptPort && state !== 'LISTEN' && (own === undefined || localAddress === own),
  );
  const states: Record<string, number> = {};
  for (const { state } of sockets) states[state] = (states[state] ?? 0) + 1;
  const [first, last] = range.trim().split(/\s+/).map(Number);
  return {
    states,
    connections: sockets.slice(0, MOST_LISTED).map(({ localPort, remoteAddress, remotePort, state }) => ({
      localPort,
      remoteAddress,
      remotePort,
      state,
    })),
    portRange: first && last ? [first, last] : null,
    residentBytes: process.memoryUsage.rss(),
  };
}

/** The lines of /proc/net/tcp or tcp6. IPv4 addresses in IPv6 sockets are given as IPv4. */
export function parseSockets(text: string): Socket[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local, remote, state] = line.trim().split(/\s+/);
      if (!local || !remote || !state) return [];
      const [localAddress, localPort] = endOf(local);
      const [remoteAddress, remotePort] = endOf(remote);
      const name = STATES[Number.parseInt(state, 16) - 1] ?? state;
      return [{ localAddress, localPort, remoteAddress, remotePort, state: name }];
    });
}

function endOf(text: string): [string, number] {
  const [address = '', port = ''] = text.split(':');
  return [addressOf(address), Number.parseInt(port, 16)];
}

/** Words of 32 bits in the byte order of the machine, which is little-endian on all that Node runs on. */
function addressOf(hex: string): string {
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) =>
    [6, 4, 2, 0].map((at) => Number.parseInt(word.slice(at, at + 2), 16)),
  );
  const isMapped = bytes.length === 16 && bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255;
  if (bytes.length === 4 || isMapped) return bytes.slice(-4).join('.');
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16),
  );
  return groups.join(':');
}
