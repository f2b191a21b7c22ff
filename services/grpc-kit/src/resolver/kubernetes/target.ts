// Targets are `kubernetes:///service.namespace:port`.
import type { GrpcUri } from '../../grpc-experimental.ts';
import { badTarget, pathOf, targetText } from '../target.ts';

const USAGE = 'kubernetes:///service.namespace:port';
/** What names of Services, namespaces and ports of slices look like: a DNS label. */
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const SUFFIXES = ['.svc.cluster.local', '.svc'];

export type KubernetesTarget = {
  /** As it was written, for messages. */
  text: string;
  service: string;
  /** undefined: the client's own. */
  namespace: string | undefined;
  /** A port's name, or its number in the pods; undefined: the only one there is. */
  port: string | number | undefined;
};

/** @throws when it is not a target of this scheme, saying how to write one. */
export function parseTarget(target: GrpcUri): KubernetesTarget {
  const [host = '', port, ...rest] = pathOf(target, USAGE).split(':');
  const name = host.replace(/\.$/, '');
  const labels = name.split('.');
  // `greeter.svc` is a Service in a namespace called svc.
  const suffix = SUFFIXES.find((end) => name.endsWith(end) && labels.length >= end.split('.').length + 1);
  const [service = '', namespace, ...more] = suffix ? name.slice(0, -suffix.length).split('.') : labels;

  if (rest.length > 0 || more.length > 0) throw badTarget(target, `expected ${USAGE}`);
  if (!LABEL.test(service))
    throw badTarget(target, `"${service}" is no name of a Service: expected ${USAGE}`);
  if (namespace !== undefined && !LABEL.test(namespace)) {
    throw badTarget(target, `"${namespace}" is no name of a namespace: expected ${USAGE}`);
  }
  return { text: targetText(target), service, namespace, port: parsePort(target, port) };
}

function parsePort(target: GrpcUri, text: string | undefined): string | number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) {
    const port = Number(text);
    if (port < 1 || port > 65_535) throw badTarget(target, `port ${text} is not between 1 and 65535`);
    return port;
  }
  if (!LABEL.test(text)) throw badTarget(target, `"${text}" is neither the name nor the number of a port`);
  return text;
}
