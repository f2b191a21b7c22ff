// A container over all of its runs: pulled, configured, run, and run again as the pod's restart policy says.
import { wireTime } from '../store.ts';
import { StartError } from './command.ts';
import type { PodContext } from './context.ts';
import { type Container, containerEnv } from './env.ts';
import type { Image } from './images.ts';
import { pull } from './pull.ts';
import { type Run, startRun } from './run.ts';
import type { ContainerStatus } from './status.ts';
import { createBackOff, createBell, goDuration } from './waiting.ts';

type Terminated = NonNullable<NonNullable<ContainerStatus['state']>['terminated']>;

/** As the kubelet tries again to make what a container needs. */
const CONFIG_RETRY_MS = 10_000;
const EPOCH = '1970-01-01T00:00:00Z';

export function createContainer(context: PodContext, first: Container, { isInit }: { isInit: boolean }) {
  const { kubelet, placement } = context;
  const { name } = first;
  const bell = createBell();
  const crashes = createBackOff();
  const runs: Run[] = [];
  let spec = first;
  let current: Run | undefined;
  let isStopping = false;
  /** It was killed to be started again, whatever its exit code and the restart policy. */
  let mustRestart = false;
  let starts = 0;
  let status: ContainerStatus = {
    name,
    state: { waiting: { reason: 'PodInitializing' } },
    lastState: {},
    ready: false,
    started: false,
    restartCount: 0,
    image: first.image ?? '',
    imageID: '',
  };

  const fieldPath = `spec.${isInit ? 'initContainers' : 'containers'}{${name}}`;
  const event = (type: 'Normal' | 'Warning', reason: string, text: string) =>
    kubelet.events(context.pod(), type, reason, text, fieldPath);

  function set(change: Partial<ContainerStatus>): void {
    status = { ...status, ...change };
    context.changed();
  }
  const wait = (reason: string, message?: string) =>
    set({ state: { waiting: { reason, ...(message ? { message } : {}) } }, ready: false, started: false });

  /** Waits for the time; less when it is being stopped, or another image is wanted. */
  async function pause(ms: number): Promise<void> {
    const endMs = performance.now() + ms;
    const { image } = spec;
    while (!isStopping && spec.image === image && performance.now() < endMs) {
      await bell.wait(endMs - performance.now());
    }
  }

  async function configured(): Promise<Record<string, string> | undefined> {
    while (!isStopping) {
      try {
        return containerEnv(kubelet.store, context.pod(), spec, placement, kubelet.apiServer);
      } catch (error) {
        const { message } = error as Error;
        wait('CreateContainerConfigError', message);
        event('Warning', 'Failed', `Error: ${message}`);
        // Rung too when a ConfigMap or a Secret of the namespace changes.
        await bell.wait(CONFIG_RETRY_MS);
      }
    }
    return undefined;
  }

  /** Where the machine cannot (no file, no process left), it is tried again: that says nothing about the container. */
  async function started(image: Image, env: Record<string, string>): Promise<Run | StartError | undefined> {
    while (!isStopping) {
      try {
        return await startRun(context, spec, { image, env, number: starts, isInit }, listener);
      } catch (error) {
        const { message } = error as Error;
        event('Warning', 'Failed', `Error: ${message}`);
        if (error instanceof StartError) return error;
        wait('CreateContainerError', message);
        await bell.wait(CONFIG_RETRY_MS);
      }
    }
    return undefined;
  }

  /** One run. @returns how it ended; undefined when it was not to be started any more. */
  async function once(image: Image, env: Record<string, string>): Promise<Terminated | undefined> {
    const names = { image: image.name, imageID: image.id, restartCount: starts };
    const run = await started(image, env);
    if (!run) return undefined;
    starts += 1;
    if (run instanceof StartError) {
      set(names);
      const finishedAt = wireTime(new Date());
      return { exitCode: 128, reason: 'StartError', message: run.message, startedAt: EPOCH, finishedAt };
    }
    current = run;
    runs.push(run);
    // The log of the run before is kept too.
    if (runs.length > 2) runs.shift()?.log.remove();
    const containerID = `containerd://${run.containerId}`;
    const startedAt = wireTime(new Date());
    const isAsked = (probe: object | undefined) => probe !== undefined && !isInit;
    event('Normal', 'Created', `Created container: ${name}`);
    event('Normal', 'Started', `Started container ${name}`);
    set({
      ...names,
      containerID,
      state: { running: { startedAt } },
      started: !isAsked(spec.startupProbe),
      ready: !isInit && !isAsked(spec.startupProbe) && !isAsked(spec.readinessProbe),
    });
    if (isStopping) void run.stop(0);
    const { exitCode, message } = await run.ended;
    current = undefined;
    return {
      exitCode,
      reason: exitCode === 0 ? 'Completed' : 'Error',
      ...(message ? { message } : {}),
      startedAt,
      finishedAt: wireTime(new Date()),
      containerID,
    };
  }

  const listener: Parameters<typeof startRun>[3] = {
    started: () => set({ started: true, ready: spec.readinessProbe === undefined }),
    ready(isReady) {
      if (status.ready !== isReady) set({ ready: isReady });
    },
    notSucceeded(kind, { result, text }) {
      const said =
        result === 'failure'
          ? `${kind} probe failed: ${text}`
          : `${kind} probe errored and resulted in unknown state: ${text}`;
      event('Warning', 'Unhealthy', said);
    },
    failed(kind, probe) {
      const grace =
        probe.terminationGracePeriodSeconds ?? context.pod().spec?.terminationGracePeriodSeconds ?? 30;
      kill(grace, `Container ${name} failed ${kind.toLowerCase()} probe, will be restarted`);
    },
    isWanted: () => !isStopping,
    preStopFailed: () => event('Warning', 'FailedPreStopHook', 'PreStopHook failed'),
  };

  function kill(graceSeconds: number, why: string): void {
    if (!current || isStopping) return;
    event('Normal', 'Killing', why);
    mustRestart = (context.pod().spec?.restartPolicy ?? 'Always') !== 'Never';
    void current.stop(graceSeconds);
  }

  function isRunAgain({ exitCode }: Terminated): boolean {
    const policy = context.pod().spec?.restartPolicy ?? 'Always';
    if (mustRestart) return true;
    if (policy === 'Always' && !isInit) return true;
    return policy !== 'Never' && exitCode !== 0;
  }

  /** The container has ended: shown so, or as waiting for its next run. */
  function showEnd(end: Terminated): void {
    const common = { ready: false, started: false };
    if (end.reason === 'StartError' && isRunAgain(end)) {
      const waiting = { reason: 'RunContainerError', message: end.message ?? '' };
      set({ ...common, state: { waiting }, lastState: { terminated: end } });
    } else set({ ...common, state: { terminated: end } });
  }

  async function backOff(end: Terminated): Promise<void> {
    const waitMs = crashes.next(performance.now(), { atOnce: true });
    set({ lastState: { terminated: end } });
    if (waitMs === 0) return;
    const { metadata } = context.pod();
    const pod = `${metadata.name}_${metadata.namespace}(${metadata.uid})`;
    wait('CrashLoopBackOff', `back-off ${goDuration(waitMs)} restarting failed container=${name} pod=${pod}`);
    event('Warning', 'BackOff', `Back-off restarting failed container ${name} in pod ${pod}`);
    await pause(waitMs);
  }

  return {
    name,
    isInit,
    status: () => status,
    /** The run that goes on or was the last, and the one before. */
    runs: (): readonly Run[] => runs,
    /** Until it is not to be run again. @returns whether it ended well. */
    async run(): Promise<boolean> {
      for (;;) {
        const image = await pull({
          images: kubelet.images,
          container: () => spec,
          wait,
          event,
          pause,
          isStopping: () => isStopping,
        });
        const env = image && (await configured());
        const end = image && env && !isStopping ? await once(image, env) : undefined;
        if (!end) return false;
        showEnd(end);
        if (isStopping || !isRunAgain(end)) return end.exitCode === 0;
        mustRestart = false;
        await backOff(end);
        if (isStopping) return false;
      }
    },
    /** The pod's spec has changed: another image is run instead. */
    update(next: Container): void {
      const isOther = next.image !== spec.image;
      spec = next;
      if (!isOther) return;
      const grace = context.pod().spec?.terminationGracePeriodSeconds ?? 30;
      kill(grace, `Container ${name} definition changed, will be restarted`);
      bell.ring();
    },
    /** What it could not be made without may be there now. */
    retry: () => bell.ring(),
    /** For good. Again: only sooner. Resolves when it has ended. */
    async stop(graceSeconds: number): Promise<void> {
      if (!isStopping && current) event('Normal', 'Killing', `Stopping container ${name}`);
      isStopping = true;
      bell.ring();
      await current?.stop(graceSeconds);
    },
    waiting: wait,
  };
}
