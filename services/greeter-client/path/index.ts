// The way of a call, tried from here, layer by layer: name, TCP, HTTP/2 in the clear and TLS, gRPC.
import type { z } from 'zod';
import type { AddressProbe, PathProbeAnswer, PathProbeRequest } from '../../protocol/index.ts';
import { probeTcp } from '../tcp.ts';
import { probeGrpc } from './grpc.ts';
import { lookUp, readResolvConf } from './name.ts';
import { probePreface } from './preface.ts';
import { probeTls } from './tls.ts';

type Request = z.output<typeof PathProbeRequest>;
type Place = Pick<AddressProbe, 'address' | 'port' | 'ofName'>;

const CONTROL_NAME = 'kubernetes.default.svc.cluster.local';
const MOST_ADDRESSES = 20;

/**
 * Looks the name up and tries all its addresses at once, and those given beside, 20 in all. Each layer is tried where the
 * one below has answered. Takes about 3 × `timeoutMs` at most: a layer that uses up its time is the last, but for the name.
 * No connection and no timer is left.
 */
export async function probePath(request: Request): Promise<PathProbeAnswer> {
  const { host, port, further, timeoutMs } = request;
  const resolvConf = readResolvConf();
  const controlled = lookUp(CONTROL_NAME, timeoutMs);
  const lookup = await lookUp(host, timeoutMs);
  const places = placesOf(lookup.addresses, port, further);
  const addresses = await Promise.all(places.map((place) => probeAddress(place, request)));
  return {
    host,
    port,
    lookup,
    control: { name: CONTROL_NAME, ...(await controlled) },
    ...(resolvConf && { resolvConf }),
    addresses,
  };
}

/** Each address and port once, the name's own first. */
function placesOf(ofName: readonly string[], port: number, further: Request['further']): Place[] {
  const all = [
    ...ofName.map((address) => ({ address, port, ofName: true })),
    ...further.map((place) => ({ ...place, ofName: false })),
  ];
  const first = (place: Place) =>
    all.findIndex(({ address, port }) => address === place.address && port === place.port);
  return all.filter((place, index) => first(place) === index).slice(0, MOST_ADDRESSES);
}

async function probeAddress(place: Place, request: Request): Promise<AddressProbe> {
  const { address, port } = place;
  const { host, tls: clientTls, method, timeoutMs } = request;
  const name = clientTls?.serverName ?? host;
  const { connected, ...tcp } = await probeTcp(address, port, timeoutMs);
  if (!connected) return { ...place, tcp };

  const preface = probePreface(address, port, timeoutMs);
  const tls = probeTls(place, name, clientTls?.ca, timeoutMs);
  const isReached = clientTls ? (await tls).error === undefined : (await preface).saw === 'http2';
  const grpc =
    isReached && (await probeGrpc(place, { name, tls: clientTls !== undefined, method, timeoutMs }));
  return { ...place, tcp, preface: await preface, tls: await tls, ...grpc };
}
