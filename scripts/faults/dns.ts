import { breakCoreDns, type ClusterApi, type DnsFailure, mendCoreDns } from '../cluster/index.ts';
import type { Fault } from './fault.ts';

/**
 * The cluster's DNS does not answer, or answers everything with an error code: for all that runs in the cluster, the
 * arm is only the one that is named. What is left of it by a run that was killed, the next lab:up or experiment mends.
 */
export function dnsFault(api: ClusterApi, { arm, failure }: { arm: string; failure: DnsFailure }): Fault {
  return {
    name: 'dns',
    arm,
    detail: failure === 'down' ? 'CoreDNS has no replica' : `CoreDNS answers ${failure}`,
    inject: () => breakCoreDns(api, failure),
    heal: async () => {
      await mendCoreDns(api);
    },
  };
}
