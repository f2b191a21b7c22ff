// A cluster that exists already, by a context of the user's own kubeconfig.
import { KubeConfig } from '@kubernetes/client-node';
import { LabError, messageOf } from '../common/errors.ts';
import { unknownName } from '../common/nearest.ts';

export type ContextOptions = {
  /** Default: KUBECONFIG, or ~/.kube/config. */
  kubeconfig?: string | undefined;
  /** Default: the current one. */
  context?: string | undefined;
};

/** @throws LabError `usage` when the kubeconfig cannot be read, or has no such context. */
export function kubeConfigOf({ kubeconfig, context }: ContextOptions): KubeConfig {
  const kubeConfig = new KubeConfig();
  const file = kubeconfig ?? process.env.KUBECONFIG ?? '~/.kube/config';
  try {
    if (kubeconfig === undefined) kubeConfig.loadFromDefault();
    else kubeConfig.loadFromFile(kubeconfig);
  } catch (error) {
    throw new LabError('usage', `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const names = kubeConfig.getContexts().map(({ name }) => name);
  if (context !== undefined) {
    if (!names.includes(context)) throw unknownName('context', context, names, file);
    kubeConfig.setCurrentContext(context);
  }
  if (kubeConfig.getCurrentCluster()?.server) return kubeConfig;
  throw new LabError('usage', `${file} names no current context, or one without a cluster`, {
    hint: `Name one with --context: ${names.join(', ')}`,
  });
}
