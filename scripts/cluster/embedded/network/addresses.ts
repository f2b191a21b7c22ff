// The cluster's addresses: one block 127.B.0.0/16 of the loopback network, which the kernel lets any program use.
//   127.B.0.1                  the API server
//   127.B.1.x                  nodes
//   127.B.16.x – 127.B.111.x   pods; 112 higher in the third octet: what that pod calls 127.0.0.1
//   127.B.240.x – 127.B.247.x  Services; 127.B.240.10 is the cluster's DNS

export type Addresses = ReturnType<typeof createAddresses>;

const FIRST_POD = 16 * 256;
const LAST_POD = 112 * 256 - 1;
const TO_LOOPBACK = 112;
const FIRST_SERVICE = 240 * 256 + 16;
const LAST_SERVICE = 248 * 256 - 1;

/** @param block the second octet, 1–254. */
export function createAddresses(block: number) {
  const addressOf = (host: number) => `127.${block}.${host >> 8}.${host & 255}`;
  const pods = createPool(FIRST_POD, LAST_POD);
  const services = createPool(FIRST_SERVICE, LAST_SERVICE);
  return {
    block,
    api: addressOf(1),
    dns: addressOf(240 * 256 + 10),
    node: (index: number): string => addressOf(256 + 1 + index),
    /** @throws Error when none is left. */
    allocatePod: (): string => addressOf(pods.take()),
    releasePod: (address: string): void => pods.give(hostOf(address)),
    /** Where the pod's processes listen and connect when they say 127.0.0.1 or localhost: nobody else's. */
    loopbackOf(pod: string): string {
      return addressOf(hostOf(pod) + TO_LOOPBACK * 256);
    },
    allocateService: (): string => addressOf(services.take()),
    /** @returns false when it is outside the Services' range, or taken. */
    claimService: (address: string): boolean =>
      address.startsWith(`127.${block}.`) && services.claim(hostOf(address)),
    releaseService: (address: string): void => services.give(hostOf(address)),
  };
}

const hostOf = (address: string): number => {
  const [, , third = 0, fourth = 0] = address.split('.').map(Number);
  return third * 256 + fourth;
};

/** Goes round, so that an address that was just given back is not soon another one's. */
function createPool(first: number, last: number) {
  const taken = new Set<number>();
  let next = first;
  return {
    take(): number {
      for (let tried = first; tried <= last; tried += 1) {
        const host = next;
        next = next === last ? first : next + 1;
        // 0 and 255 are addresses like any other on loopback, but look wrong to whoever reads them.
        const last8 = host & 255;
        if (taken.has(host) || last8 === 0 || last8 === 255) continue;
        taken.add(host);
        return host;
      }
      throw new Error('no address is left');
    },
    claim(host: number): boolean {
      if (host < first || host > last || taken.has(host)) return false;
      taken.add(host);
      return true;
    },
    give(host: number): void {
      taken.delete(host);
    },
  };
}
