// --probe: one short-lived Pod beside the client, asked for the way of a call, and always removed. The only place from
// which a diagnosis changes anything.
import { randomBytes } from 'node:crypto';
import type { V1Pod } from '@kubernetes/client-node';
import { request } from 'undici';
import { PathProbeAnswer, type PathProbeRequest } from '../../../services/protocol/index.ts';
import { connection } from '../../cluster/index.ts';
import { LabError, messageOf } from '../../common/errors.ts';
import { waitFor } from '../../common/wait.ts';
import type { ClusterObjects, Probe } from '../facts.ts';
import type { Access } from './access.ts';
import { controlOf } from './control.ts';
import { probeManifest } from './probe-manifest.ts';
import { messageIn, ReadError, refusal } from './read-error.ts';

type Pod = ClusterObjects['pods'][number];

export type ProbeOptions = {
  image: string;
  /** Told before it is made. */
  show: (manifest: V1Pod) => void;
  /** Told when it could not be removed: what is left, and how to remove it. */
  warn: (text: string) => void;
  say: (text: string) => void;
};

/** Longer than an image of this size takes to be pulled. */
const START_MS = 30_000;
const CREATE_MS = 5000;
const GONE_MS = 10_000;
/** It will not start. Source: Kubernetes, pkg/kubelet/images and kuberuntime. */
const HOPELESS = /^(ErrImage|ImagePull|InvalidImageName|Create\w*Error|RunContainerError|CrashLoopBackOff)/;

/**
 * @param access with a time of its own: a pod takes longer than all other reading.
 * @param beside a pod of the client's.
 * @throws LabError, ReadError when it does not start or does not answer; the reason of an abort.
 */
export async function probeBeside(
  access: Access,
  beside: Pod,
  body: PathProbeRequest,
  { image, show, warn, say }: ProbeOptions,
): Promise<Probe> {
  const token = randomBytes(24).toString('base64url');
  const manifest = probeManifest(beside, image, token);
  const { name = '', namespace = '' } = manifest.metadata ?? {};
  show(manifest);
  access.signal.throwIfAborted();
  try {
    say(`starting the pod ${name}`);
    // To its end: whether there is something to remove must be known.
    await change(access, 'create', namespace, name, manifest, AbortSignal.timeout(CREATE_MS));
    access.signal.throwIfAborted();
    await started(access, namespace, name);
    say(`asking the pod ${name}`);
    const ask = await controlOf(access, token, namespace);
    const answer = await ask<PathProbeAnswer>(name, {
      path: '/probes/path',
      body,
      shape: PathProbeAnswer,
    });
    return { from: { pod: name, place: 'probe-pod' }, answer };
  } finally {
    say(`removing the pod ${name}`);
    await removed(access, namespace, name).catch((error: unknown) => {
      warn(
        `the pod ${name} may still be there (${messageOf(error)}): kubectl delete pod ${name} --namespace ${namespace}`,
      );
    });
  }
}

async function started(access: Access, namespace: string, name: string): Promise<void> {
  await waitFor(
    `the pod ${name} Ready`,
    async () => {
      const { status } = await access.get('pods', name, namespace);
      const isReady = status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True');
      if (isReady) return { done: undefined };
      const state = status?.containerStatuses?.[0]?.state;
      const { reason = '', message = '' } = state?.waiting ?? state?.terminated ?? {};
      const ended = status?.phase === 'Failed' || status?.phase === 'Succeeded';
      if (ended || HOPELESS.test(reason)) {
        const why = [reason || status?.reason, message || status?.message].filter(Boolean).join(': ');
        throw new LabError('failed', `the pod ${name} does not start: ${why || status?.phase}`, {
          hint: '--probe-image names another image.',
        });
      }
      return { waiting: `${status?.phase ?? 'not seen yet'} ${reason}`.trim() };
    },
    { timeoutMs: START_MS, signal: access.signal },
  );
}

/** Whatever has happened to the rest, also after Ctrl-C. @throws ReadError, LabError when it is not gone in time. */
async function removed(access: Access, namespace: string, name: string): Promise<void> {
  const deadline = AbortSignal.timeout(GONE_MS);
  const poll = async () => {
    try {
      await change(access, 'delete', namespace, name, { gracePeriodSeconds: 1 }, deadline);
      return { waiting: 'it is still there' };
    } catch (error) {
      const status = error instanceof ReadError ? error.status : undefined;
      if (status === 404) return { done: undefined };
      if (deadline.aborted || status === 401 || status === 403) throw error;
      return { waiting: messageOf(error) };
    }
  };
  await waitFor(`the pod ${name} gone`, poll, { timeoutMs: GONE_MS, intervalMs: 500 });
}

/** @throws ReadError when the API server refuses, or cannot be reached. */
async function change(
  { kubeConfig, audit }: Access,
  verb: 'create' | 'delete',
  namespace: string,
  name: string,
  body: object,
  until: AbortSignal,
): Promise<number> {
  const { server, headers, dispatcher } = await connection(kubeConfig);
  const collection = `${server}/api/v1/namespaces/${namespace}/pods`;
  audit.push({ verb, resource: 'pods', namespace, name });
  const response = await request(verb === 'create' ? collection : `${collection}/${name}`, {
    method: verb === 'create' ? 'POST' : 'DELETE',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: until,
    ...(dispatcher ? { dispatcher } : {}),
  }).catch((error: unknown) => {
    until.throwIfAborted();
    throw new ReadError(`the API server cannot be reached: ${messageOf(error)}`, undefined, error);
  });
  const text = await response.body.text();
  if (response.statusCode < 400) return response.statusCode;
  throw refusal(`${verb} pods in ${namespace}`, response.statusCode, messageIn(text));
}
