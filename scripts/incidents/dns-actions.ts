// What is done to the cluster's DNS server.
import { answeringAll, configureCoreDns, readCoreDns, scaleCoreDns, templateOf } from '../cluster/index.ts';
import type { Action } from './actions.ts';

/** Without a replica. */
export const stopDns: Action = {
  name: 'dns-down',
  command: () => 'kubectl -n kube-system scale deployment coredns --replicas=0',
  prepare: async (api) => (await readCoreDns(api)).replicas,
  inject: (api) => scaleCoreDns(api, 0),
  heal: (api, _world, replicas) => scaleCoreDns(api, Math.max(1, Number(replicas))),
};

/** Told to answer SERVFAIL, whatever is asked. */
export const failDns: Action = {
  name: 'dns-servfail',
  command: () =>
    `kubectl -n kube-system edit configmap coredns  # into the block ".:53 {": ${templateOf('SERVFAIL').replaceAll(/\s+/g, ' ')}
kubectl -n kube-system rollout restart deployment coredns`,
  prepare: async (api) => {
    const { corefile } = await readCoreDns(api);
    answeringAll(corefile, 'SERVFAIL');
    return corefile;
  },
  inject: async (api) =>
    configureCoreDns(api, { corefile: answeringAll((await readCoreDns(api)).corefile, 'SERVFAIL') }),
  heal: (api, _world, corefile) => configureCoreDns(api, { corefile: String(corefile) }),
};
