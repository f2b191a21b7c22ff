// What a container runs. There are no images with programs in them: Node is the only one.
import { type Container, type containerEnv, expand } from './env.ts';

type Env = ReturnType<typeof containerEnv>;

/** What runc says when a program cannot be started. */
export class StartError extends Error {}

const NODE = new Set(['node', '/usr/local/bin/node']);

/**
 * Arguments for Node. As in services/Dockerfile, the default is /app/main.js, and arguments that are no command are
 * Node's (the base image's entry point sees to it).
 *
 * @param imageDir where /app is.
 * @throws StartError for any other program than Node.
 */
export function containerCommand({ command, args }: Container, env: Env, imageDir: string): string[] {
  const given = (command?.length ? [...command, ...(args ?? [])] : entryPoint(args ?? [])).map((argument) =>
    expand(argument, env),
  );
  return nodeArguments(given, imageDir, (program) => new StartError(runcMessage(program)));
}

function entryPoint(args: readonly string[]): string[] {
  const [first] = args;
  if (first === undefined) return ['node', '/app/main.js'];
  return first.startsWith('-') || first.startsWith('/app/') ? ['node', ...args] : [...args];
}

/** @param refuse makes the error for any other program than Node. */
export function nodeArguments(
  [program = '', ...args]: readonly string[],
  imageDir: string,
  refuse: (program: string) => Error,
): string[] {
  if (!NODE.has(program)) throw refuse(program);
  return args.map((argument) =>
    argument === '/app' || argument.startsWith('/app/') ? imageDir + argument.slice('/app'.length) : argument,
  );
}

/** Where a path would be looked for, and where only a name. */
export const notFoundText = (program: string): string =>
  program.includes('/')
    ? `exec: "${program}": stat ${program}: no such file or directory`
    : `exec: "${program}": executable file not found in $PATH`;

const runcMessage = (program: string) =>
  'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: ' +
  `unable to start container process: error during container init: ${notFoundText(program)}: unknown`;
