// What a provider's Kubernetes has to do: cases written once, and run on every provider.
import { access } from './access.ts';
import { api } from './api.ts';
import { dns } from './dns.ts';
import { endpoints } from './endpoints.ts';
import { kubectl } from './kubectl.ts';
import { logs } from './logs.ts';
import { pods } from './pods.ts';
import { probes } from './probes.ts';
import { rollout } from './rollout.ts';
import { services } from './services.ts';
import type { Target } from './support.ts';
import { termination } from './termination.ts';

/** Registers every case, for a cluster with the lab on it that is up by the time they run. */
export function holdToContract(target: () => Target): void {
  const areas = [rollout, services, kubectl, dns, termination, endpoints, probes, pods, logs, access, api];
  for (const cases of areas) cases(target);
}
