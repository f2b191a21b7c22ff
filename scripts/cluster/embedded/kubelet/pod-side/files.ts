// Mounts: paths at which a pod's files appear lead to where they are. The image's own folder /app is one of them.
import fs from 'node:fs';
import { resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PodSide } from './config.ts';

type Functions = Record<string, unknown>;
type Path = string | Buffer | URL;

/** Functions of node:fs whose first argument is a path, each in its callback, sync and promise form. */
const onePath = [
  ...[
    'access',
    'appendFile',
    'chmod',
    'chown',
    'exists',
    'glob',
    'lchown',
    'lstat',
    'lutimes',
    'mkdir',
    'mkdtemp',
  ],
  ...[
    'open',
    'openAsBlob',
    'opendir',
    'readdir',
    'readFile',
    'readlink',
    'realpath',
    'rm',
    'rmdir',
    'stat',
    'statfs',
  ],
  ...['truncate', 'unlink', 'unwatchFile', 'utimes', 'watch', 'watchFile', 'writeFile'],
  ...['createReadStream', 'createWriteStream'],
];
const twoPaths = ['copyFile', 'cp', 'link', 'rename', 'symlink'];

export function usePodFiles(pod: PodSide): void {
  // The longest first: a mount inside a mount wins.
  const mounts = pod.mounts.toSorted((a, b) => b.path.length - a.path.length);
  if (mounts.length === 0) return;

  function real(path: unknown): unknown {
    if (typeof path !== 'string' && !Buffer.isBuffer(path) && !(path instanceof URL)) return path;
    const text = textOf(path);
    if (text === undefined) return path;
    const asked = resolve(text);
    const mount = mounts.find(({ path: at }) => asked === at || asked.startsWith(at + sep));
    return mount ? mount.to + asked.slice(mount.path.length) : path;
  }

  function map(functions: Functions, name: string, paths: number): void {
    const original = functions[name];
    if (typeof original !== 'function') return;
    const mapped = function (this: unknown, ...args: unknown[]) {
      for (let index = 0; index < paths && index < args.length; index += 1) args[index] = real(args[index]);
      return Reflect.apply(original, this, args);
    };
    // realpath.native, and what promisify looks for.
    functions[name] = Object.defineProperties(mapped, Object.getOwnPropertyDescriptors(original));
  }

  const modules = [fs, fs.promises] as unknown as Functions[];
  for (const functions of modules) {
    for (const name of onePath) for (const form of [name, `${name}Sync`]) map(functions, form, 1);
    for (const name of twoPaths) for (const form of [name, `${name}Sync`]) map(functions, form, 2);
  }
}

function textOf(path: Path): string | undefined {
  if (typeof path === 'string') return path;
  if (Buffer.isBuffer(path)) return path.toString();
  return path.protocol === 'file:' ? fileURLToPath(path) : undefined;
}
