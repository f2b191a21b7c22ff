// What the API would say to an object.
import { expect, it } from 'vitest';
import { NAMESPACE } from '../../scripts/cluster/index.ts';
import { wouldMake } from '../../scripts/stage/dry-run.ts';
import { json, kubeApi, refuse } from '../support/kube-api.ts';

const SERVICES = `/api/v1/namespaces/${NAMESPACE}/services`;
const object = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a', namespace: NAMESPACE } };

it('is asked without making it', async () => {
  await using kube = await kubeApi();
  kube.on(`POST ${SERVICES}`, (_, response) => json(response, 201, object));
  expect(await wouldMake(kube.api, object)).toEqual({ accepted: true });
  expect(kube.requests.at(-1)?.query.get('dryRun')).toBe('All');
});

it('is that it is invalid, and why; any other answer is none', async () => {
  await using kube = await kubeApi();
  kube.on(`POST ${SERVICES}`, refuse(422, 'Service "a" is invalid: spec'));
  expect(await wouldMake(kube.api, object)).toEqual({
    accepted: false,
    error: 'Service "a" is invalid: spec',
  });
  kube.on(`POST ${SERVICES}`, refuse(403, 'no'));
  await expect(wouldMake(kube.api, object)).rejects.toThrow();
});
