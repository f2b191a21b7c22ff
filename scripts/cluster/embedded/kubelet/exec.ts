// A container as the environment of a process: its own first one, and the commands of probes and hooks.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { timerMs } from '../timer.ts';
import { nodeArguments, notFoundText } from './command.ts';
import type { PodContext } from './context.ts';
import type { Container } from './env.ts';
import type { PodSide } from './pod-side/config.ts';
import type { ProbeResult } from './probes/result.ts';
import { type ProcessSpec, startProcess } from './processes.ts';

/** What all processes of one run of a container have in common. */
export type Surroundings = Pick<ProcessSpec, 'env' | 'cwd' | 'pod' | 'clusterId' | 'containerId'>;

const DNS_TIMEOUT_MS = 5000;
const MOST_OUTPUT = 10 * 1024;
/** A command counts as starting for so long: what it does then may take its time, and keeps nobody waiting. */
const START_MS = 300;

/** @param files by their path in the container, such as the termination log. */
export function surroundings(
  { kubelet, pod, placement, volumes, dir }: PodContext,
  container: Container,
  run: { containerId: string; imageDir: string; env: Record<string, string>; terminationLog: string },
): Surroundings {
  const { metadata } = pod();
  const cwd = join(dir, 'root', container.name);
  mkdirSync(cwd, { recursive: true });
  const search = [`${metadata.namespace}.svc.cluster.local`, 'svc.cluster.local', 'cluster.local'];
  const side: PodSide = {
    preload: kubelet.preload,
    ip: placement.podIP,
    loopback: kubelet.addresses.loopbackOf(placement.podIP),
    prefix: `127.${kubelet.addresses.block}.`,
    hostname: metadata.name,
    dns: { timeoutMs: DNS_TIMEOUT_MS, ...kubelet.dns },
    search,
    mounts: [
      { path: '/app', to: run.imageDir },
      { path: '/etc/resolv.conf', to: join(dir, 'etc/resolv.conf') },
      { path: '/etc/hosts', to: join(dir, 'etc/hosts') },
      { path: '/etc/hostname', to: join(dir, 'etc/hostname') },
      { path: container.terminationMessagePath ?? '/dev/termination-log', to: run.terminationLog },
      ...volumes.mountsOf(container),
    ],
    first: true,
    compileCache: join(kubelet.dir, 'compile-cache'),
  };
  return { env: run.env, cwd, pod: side, clusterId: kubelet.clusterId, containerId: run.containerId };
}

/** Runs a command beside the container's program. Never rejects. @param timeoutMs then it is killed. */
export async function execIn(
  { kubelet }: PodContext,
  where: Surroundings,
  imageDir: string,
  command: readonly string[],
  timeoutMs: number,
): Promise<ProbeResult> {
  let args: string[];
  try {
    args = nodeArguments(command, imageDir, (program) => new Error(notFoundText(program)));
  } catch (error) {
    const text = `OCI runtime exec failed: exec failed: unable to start container process: ${(error as Error).message}`;
    const failed = `failed to exec in container: failed to start exec: ${text}: unknown`;
    return { result: 'errored', text: `rpc error: code = Unknown desc = ${failed}` };
  }
  const leave = await kubelet.execs.enter();
  const starting = setTimeout(leave, START_MS);
  let output = '';
  try {
    const running = await startProcess({
      ...where,
      pod: { ...where.pod, first: false },
      args,
      onOutput: (_, chunk) => {
        if (output.length < MOST_OUTPUT) output += chunk;
      },
    });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      running.kill();
    }, timerMs(timeoutMs));
    const { exitCode } = await running.ended;
    clearTimeout(timer);
    if (isLate) {
      const text = `command timed out: "${command.join(' ')}" timed out after ${timeoutMs / 1000}s`;
      return { result: 'failure', text };
    }
    return { result: exitCode === 0 ? 'success' : 'failure', text: output.slice(0, MOST_OUTPUT) };
  } catch (error) {
    return { result: 'errored', text: (error as Error).message };
  } finally {
    clearTimeout(starting);
    leave();
  }
}
