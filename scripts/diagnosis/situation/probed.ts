// What the way of a call answered, layer by layer.
import type { AddressProbe } from '../../../services/protocol/index.ts';
import type { Facts } from '../facts.ts';

export type Probed = AddressProbe & {
  host: string;
  /** Whether the client's own process asked: it is as slow as that. */
  byClient: boolean;
  /** `10.0.0.7:50051`. */
  where: string;
};

export const probedOf = ({ probes }: Facts): Probed[] =>
  probes.flatMap(({ from, answer }) =>
    answer.addresses.map((address) => ({
      ...address,
      host: answer.host,
      byClient: from.place === 'client',
      where: `${address.address}:${address.port}`,
    })),
  );

/** A proxy may take a connection before it knows that nobody is behind it: then it closes without a word. */
export const connected = ({ tcp, preface, tls }: AddressProbe): boolean =>
  tcp.error === undefined && !(preface?.saw === 'closed' && tls?.error === 'ECONNRESET');
export const isRefused = ({ tcp }: AddressProbe): boolean => /ECONNREFUSED|refused/i.test(tcp.error ?? '');
/** Nothing came back: packets are dropped on the way. */
export const isSilent = ({ tcp }: AddressProbe): boolean =>
  /ETIMEDOUT|timed? ?out|deadline/i.test(tcp.error ?? '');

/** With an empty message, a server's own code may find fault: then too the call has reached it. */
const REACHED =
  /^(OK|INVALID_ARGUMENT|NOT_FOUND|ALREADY_EXISTS|FAILED_PRECONDITION|OUT_OF_RANGE|UNAUTHENTICATED|PERMISSION_DENIED)$/;
/** A call ends so because of what is on its way, or because the method is not there. */
const BROKEN = /^(UNAVAILABLE|DEADLINE_EXCEEDED|UNIMPLEMENTED|RESOURCE_EXHAUSTED)$/;

/** The method was called, and its server answered. */
export const answered = ({ method }: AddressProbe): boolean =>
  method !== undefined && REACHED.test(method.code);

/** What a probe found broken, in words; undefined when the call went through, or would have. */
export function brokenLayer(probe: Probed): string | undefined {
  const { tcp, preface, method, health } = probe;
  if (tcp.error !== undefined) return `tcp: ${tcp.error}`;
  if (method !== undefined && BROKEN.test(method.code))
    return `method: ${method.code} ${method.message ?? ''}`.trim();
  if (method !== undefined) return undefined;
  if (preface !== undefined && preface.saw !== 'http2' && preface.saw !== 'tls')
    return `preface: ${preface.saw}`;
  const sick = Object.entries(health ?? {}).find(([, { serving }]) => serving === 'NOT_SERVING');
  return sick && `health of "${sick[0]}": NOT_SERVING`;
}
