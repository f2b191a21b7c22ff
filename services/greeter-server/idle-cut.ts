// A TCP relay that forgets idle connections without a word, as a firewall or NAT does. Unlike one, it still acknowledges
// what it throws away: its kernel does. Whoever waits for an answer waits just as long; only TCP's own retransmission
// time-out does not come.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type RelayOptions = {
  /** Where to; a name is resolved at each connection. */
  target: { host: string; port: number };
  host: string;
  port: number;
  /** How long a connection may be without a byte in either direction; 0: for ever. */
  idleCutMs: number;
};

export type Relay = {
  port: number;
  /** `dead`: those that it has forgotten, and neither side was told of. */
  connections: () => { open: number; dead: number };
  /** From now on, for those that are open too. 0 cuts those that it has forgotten. */
  changeIdleCut: (idleCutMs: number) => void;
  /** Cuts all, those that are dead too. */
  close: () => void;
};

type Link = { isDead: () => boolean; forgetAfter: (idleCutMs: number) => void; cut: () => void };

/** @throws Error when the port is taken. */
export async function startRelay({ target, host, port, ...options }: RelayOptions): Promise<Relay> {
  const links = new Set<Link>();
  let { idleCutMs } = options;
  // Either side may end its half and wait for the other's.
  const tcp = { allowHalfOpen: true, noDelay: true };
  const server = createServer(tcp, (near) => {
    const link = join([near, connect({ ...target, ...tcp })], () => links.delete(link));
    link.forgetAfter(idleCutMs);
    links.add(link);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => ({
      open: links.size,
      dead: [...links].filter(({ isDead }) => isDead()).length,
    }),
    changeIdleCut(ms) {
      idleCutMs = ms;
      for (const link of links) {
        // What was forgotten stays so; where nothing is forgotten any more, its ends are told.
        if (ms === 0 && link.isDead()) link.cut();
        else link.forgetAfter(ms);
      }
    },
    close() {
      server.close();
      for (const { cut } of links) cut();
    },
  };
}

/** @param onClosed when neither side is left. */
function join([near, far]: [Socket, Socket], onClosed: () => void): Link {
  const ways = [
    [near, far],
    [far, near],
  ] as const;
  let dead = false;
  let open = ways.length;
  let timer: NodeJS.Timeout | undefined;

  function forget(): void {
    dead = true;
    for (const [from, to] of ways) {
      from.unpipe(to);
      // Read, so that nobody is held up, and thrown away. So is its end.
      from.resume();
    }
  }
  for (const [from, to] of ways) {
    from.pipe(to);
    from.on('data', () => {
      if (!dead) timer?.refresh();
    });
    // A side that is reset, or was never reached, resets the other.
    from.on('error', () => {
      if (!dead) to.resetAndDestroy();
    });
    from.once('close', () => {
      open -= 1;
      if (open > 0) return;
      clearTimeout(timer);
      onClosed();
    });
  }
  return {
    isDead: () => dead,
    forgetAfter(idleCutMs) {
      clearTimeout(timer);
      timer = idleCutMs > 0 && open > 0 && !dead ? setTimeout(forget, idleCutMs) : undefined;
    },
    cut() {
      near.destroy();
      far.destroy();
    },
  };
}
