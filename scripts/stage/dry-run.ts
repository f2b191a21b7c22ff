// What the API would say to an object.
import { apiMessage, type ClusterApi, type Manifest, statusOf } from '../cluster/index.ts';

/** What Kubernetes answers to an object that it finds invalid. */
const INVALID = 422;

/** @throws what is no answer to the question. */
export async function wouldMake(
  api: ClusterApi,
  object: Manifest,
): Promise<{ accepted: true } | { accepted: false; error: string }> {
  try {
    await api.objects.create(object, undefined, 'All');
    return { accepted: true };
  } catch (error) {
    if (statusOf(error) === INVALID) return { accepted: false, error: apiMessage(error) };
    throw error;
  }
}
