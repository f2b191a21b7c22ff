// gRPC's names of what is dialled. Source: grpc/grpc, doc/naming.md.

export type Target = {
  /** As it is set. */
  raw: string;
  host: string;
  port?: number;
  scheme?: string;
  /** Which setting says so. */
  where: string;
};

/** Ports that a scheme has when none is given; everything else is gRPC's 443. */
const PORT_OF_SCHEME: Record<string, number> = { http: 80, https: 443 };
export const DEFAULT_PORT = 443;

/** `dns:///greeter.shop:50051`, `dns:greeter`, `http://greeter:80/`, `greeter:50051`, `[::1]:50051`, `10.0.0.7`. */
export function parseTarget(raw: string): Omit<Target, 'where'> {
  const [, scheme, rest = raw] =
    /^([a-z][a-z0-9+.-]*):(?:\/\/[^/]*\/(?=[^/]))(.*)$/i.exec(raw.trim()) ??
    /^([a-z][a-z0-9+.-]*):\/\/\/?(.*)$/i.exec(raw.trim()) ??
    /^(dns|ipv4|ipv6|passthrough|static):(.*)$/i.exec(raw.trim()) ??
    [];
  const isUrl = scheme !== undefined && /^https?$/i.test(scheme);
  const authority = isUrl ? raw.trim().replace(/^[^/]*\/\//, '') : rest;
  const [hostPort = ''] = authority.replace(/^\/+/, '').split(/[/,?]/);
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]*))(?::([\w-]+))?$/.exec(hostPort) ?? [];
  return {
    raw,
    host: bracketed ?? plain ?? hostPort,
    // `kubernetes:///` takes a port's name as well.
    ...(port !== undefined && /^\d+$/.test(port) && { port: Number(port) }),
    ...(scheme !== undefined && { scheme: scheme.toLowerCase() }),
  };
}

/** The port that is dialled. */
export const portOf = ({ port, scheme }: Pick<Target, 'port' | 'scheme'>): number =>
  port ?? PORT_OF_SCHEME[scheme ?? ''] ?? DEFAULT_PORT;
