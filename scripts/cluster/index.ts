// A lab's cluster: made by a provider, filled from manifests/, and reached by nothing but the Kubernetes API.
import { paint } from '../common/terminal.ts';
import type { Problem } from './provider.ts';

export * from './api.ts';
export { apply, deleteRun } from './apply.ts';
export { breakDns, mendDns } from './break-dns.ts';
export { chooseProvider, PROVIDERS, type ProviderChoice, usableProviders } from './choose-provider.ts';
export { readClusterConfig } from './config.ts';
export { type Connection, connection } from './connection.ts';
export { type ContextOptions, kubeConfigOf } from './context.ts';
export { configureCoreDns, readCoreDns, scaleCoreDns } from './core-dns.ts';
export { answeringAll, templateOf } from './corefile.ts';
export { DNS_FAILURES, type DnsFailure } from './dns-failure.ts';
export { allLabs, down } from './down.ts';
export { findProcesses as findPodProcesses } from './embedded/leftovers.ts';
export { kindProvider } from './kind/index.ts';
export { chooseNodeImage } from './kind/node-image.ts';
export { DEFAULT_LAB, type Lab, labNamed, labRoot, NAMESPACE, ROOT } from './lab.ts';
export { takeLock } from './lock.ts';
export {
  type Arm,
  armManifests,
  type FurtherService,
  INSTANCE_LABEL,
  type Manifest,
  NAME_LABEL,
  RUN_LABEL,
  readManifests,
  type ServiceFields,
} from './manifests.ts';
export { type PodProxy, podProxy } from './pod-proxy.ts';
export { CAPABILITIES, type Capability, NODE_FAILURES, type NodeFailure, type Problem } from './provider.ts';
export { deploymentsReady, isPodReady, nodesReady, systemPodsReady } from './ready.ts';
export { type LabStatus, status } from './status.ts';
export { readToken, shareToken } from './token.ts';
export { type NodeFailures, type StartedLab, up } from './up.ts';
export { type Seen, watchObjects } from './watch.ts';

export const describeProblem = ({ severity, what, hint }: Problem): string =>
  `${paint(severity === 'error' ? 'red' : 'yellow', `${severity}:`)} ${what}\n  ${hint}`;
