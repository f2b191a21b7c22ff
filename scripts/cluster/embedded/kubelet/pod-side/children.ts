// A program's own Node children are in the same pod: they load the hook too, by NODE_OPTIONS, and are told the same.
import child_process, { ChildProcess } from 'node:child_process';
import { CLUSTER_VARIABLE, CONTAINER_VARIABLE, POD_VARIABLE, type PodSide } from './config.ts';

type Env = Record<string, string | undefined>;
/** What spawn, fork, exec and execFile all end in. */
type Spawning = { spawn(options: { envPairs?: string[] }): unknown };
type SyncFunction = (file: string, ...rest: unknown[]) => unknown;

export function passOnToChildren(pod: PodSide): void {
  const variables: Env = {
    [POD_VARIABLE]: JSON.stringify({ ...pod, first: false }),
    [CLUSTER_VARIABLE]: process.env[CLUSTER_VARIABLE],
    [CONTAINER_VARIABLE]: process.env[CONTAINER_VARIABLE],
  };
  const withPod = (env: Env): Env => ({
    ...env,
    ...variables,
    NODE_OPTIONS: nodeOptions(pod, env.NODE_OPTIONS),
  });

  const spawning = ChildProcess.prototype as unknown as Spawning;
  const { spawn } = spawning;
  spawning.spawn = function (options) {
    const env = Object.fromEntries((options.envPairs ?? []).map(splitPair));
    const envPairs = Object.entries(withPod(env)).map(([name, value]) => `${name}=${value ?? ''}`);
    return spawn.call(this, { ...options, envPairs });
  };

  for (const name of ['spawnSync', 'execSync', 'execFileSync'] as const) {
    const original = child_process[name] as SyncFunction;
    (child_process as Record<string, unknown>)[name] = (file: string, ...rest: unknown[]) => {
      const at = rest.findIndex((argument) => typeof argument === 'object' && !Array.isArray(argument));
      const given = (at < 0 ? {} : rest[at]) as { env?: Env } | null;
      const options = { ...given, env: withPod(given?.env ?? process.env) };
      return original(file, ...(at < 0 ? [...rest, options] : rest.with(at, options)));
    };
  }
}

function nodeOptions({ preload }: PodSide, given = ''): string {
  const own = `--require ${JSON.stringify(preload)}`;
  return given.includes(own) ? given : `${given} ${own}`.trim();
}

function splitPair(pair: string): [string, string] {
  const at = pair.indexOf('=', 1);
  return [pair.slice(0, at), pair.slice(at + 1)];
}
