// The token of a lab's control endpoints: made once, kept in the cluster, mounted by the pods.
import { randomBytes } from 'node:crypto';
import { LabError } from '../common/errors.ts';
import { apiMessage, type ClusterApi, statusOf } from './api.ts';
import { NAMESPACE } from './lab.ts';

const SECRET = 'lab-token';

/** Creates the token where there is none; the same one stays for the life of the lab. */
export const ensureToken = (api: ClusterApi): Promise<void> =>
  storeToken(api, NAMESPACE, randomBytes(24).toString('base64url'));

/** Puts the lab's token into another namespace, for the lab's pods there. */
export const shareToken = async (api: ClusterApi, namespace: string): Promise<void> =>
  storeToken(api, namespace, await readToken(api));

async function storeToken(api: ClusterApi, namespace: string, token: string): Promise<void> {
  const stringData = { token };
  const metadata = { name: SECRET, labels: { 'app.kubernetes.io/part-of': 'grpc-kind-lab' } };
  try {
    await api.core.createNamespacedSecret({ namespace, body: { metadata, stringData } });
  } catch (error) {
    if (statusOf(error) !== 409)
      throw new LabError('failed', `the lab's token cannot be stored: ${apiMessage(error)}`);
  }
}

export async function readToken(api: ClusterApi): Promise<string> {
  const secret = await api.core
    .readNamespacedSecret({ namespace: NAMESPACE, name: SECRET })
    .catch((error: unknown) => {
      throw new LabError('failed', `the lab's token cannot be read: ${apiMessage(error)}`, {
        hint: 'npm run lab:up makes it.',
      });
    });
  return Buffer.from(secret.data?.token ?? '', 'base64').toString();
}
