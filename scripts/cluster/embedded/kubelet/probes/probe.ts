// One probe of a container, once, in Kubernetes' words.
import type { V1Probe } from '@kubernetes/client-node';
import { messageOf } from '../../../../common/errors.ts';
import type { Plain } from '../../../../common/plain.ts';

import { timerMs } from '../../timer.ts';
import type { Container } from '../env.ts';
import { type Bell, createBell } from '../waiting.ts';
import { probeGrpc } from './grpc.ts';
import { httpProbe } from './http.ts';
import type { ProbeResult } from './result.ts';
import { probeTcp } from './tcp.ts';

export type Probe = Plain<V1Probe>;
export type ProbeTarget = {
  container: Container;
  podIP: string;
  /** Probes come from the node. */
  hostIP: string;
  /** Runs a command as the container would; the promise never rejects. */
  exec: (command: readonly string[], timeoutMs: number) => Promise<ProbeResult>;
};

/** Never rejects: what cannot even be asked, such as a host that is none, says nothing about the container. */
export async function runProbe(
  probe: Probe,
  target: ProbeTarget,
  news: Bell = createBell(),
): Promise<ProbeResult> {
  try {
    return await ask(probe, target, news);
  } catch (error) {
    return { result: 'errored', text: messageOf(error) };
  }
}

async function ask(probe: Probe, target: ProbeTarget, news: Bell): Promise<ProbeResult> {
  const timeoutMs = timerMs((probe.timeoutSeconds ?? 1) * 1000);
  const { exec, httpGet, tcpSocket, grpc } = probe;
  if (exec) return target.exec(exec.command ?? [], timeoutMs);
  const port = portOf(probe, target.container);
  if (port === undefined) return { result: 'errored', text: `couldn't find port: ${named(probe)}` };
  const from = { localAddress: target.hostIP, timeoutMs, port };
  if (httpGet) return httpProbe(httpGet, { ...from, host: httpGet.host || target.podIP });
  if (tcpSocket) return probeTcp({ ...from, host: tcpSocket.host || target.podIP });
  if (grpc) return probeGrpc({ ...from, host: target.podIP, service: grpc.service ?? '', news });
  return { result: 'errored', text: 'missing probe handler' };
}

const named = ({ httpGet, tcpSocket, grpc }: Probe) => httpGet?.port ?? tcpSocket?.port ?? grpc?.port;

/** By number, or by the name of one of the container's ports. */
export function portOf(probe: Probe, container: Container): number | undefined {
  // Client-node's type for an int-or-string is an object.
  const asked = named(probe) as unknown as number | string | undefined;
  if (typeof asked === 'number') return asked;
  const port = container.ports?.find(({ name }) => name === asked);
  return port?.containerPort ?? (/^\d+$/.test(asked ?? '') ? Number(asked) : undefined);
}
