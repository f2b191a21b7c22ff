/** `down`: nothing answers. `SERVFAIL`, `NXDOMAIN`: that is the answer, whatever is asked. `slow`: answers take long. */
export const DNS_FAILURES = ['down', 'SERVFAIL', 'NXDOMAIN', 'slow'] as const;
export type DnsFailure =
  | { failure: 'down' | 'SERVFAIL' | 'NXDOMAIN' }
  | {
      failure: 'slow';
      /** Of each answer. */
      delayMs: number;
    };
