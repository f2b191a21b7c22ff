import { breakDns, type ClusterApi, type DnsFailure, mendDns } from '../cluster/index.ts';
import { formatDuration } from '../common/duration.ts';
import type { Fault } from './fault.ts';

/**
 * The cluster's DNS does not answer, answers everything with an error code, or takes long: for all that runs in the
 * cluster, the arm is only the one that is named. What is left of it by a run that was killed, the next lab:up or
 * experiment mends.
 */
export function dnsFault(api: ClusterApi, { arm, ...broken }: { arm: string } & DnsFailure): Fault {
  return {
    name: 'dns',
    arm,
    detail: detailOf(broken),
    inject: () => breakDns(api, broken),
    heal: async () => {
      await mendDns(api);
    },
  };
}

function detailOf(broken: DnsFailure): string {
  if (broken.failure === 'slow') return `DNS takes ${formatDuration(broken.delayMs)} to answer`;
  return broken.failure === 'down' ? 'DNS is down' : `DNS answers ${broken.failure}`;
}
