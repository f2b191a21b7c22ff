// A checkout of its own for commands that write to .lab/, beside fake `docker` and `kind` programs: nothing of what
// these tests do reaches the developer's labs.
import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { labNamed, ROOT } from '../../scripts/cluster/lab.ts';
import { type CommandOptions, type CommandResult, lab } from './cli.ts';
import { type FakePrograms, fakePrograms } from './fake-programs.ts';
import { healthyCluster, type KubeApi, kubeApi } from './kube-api.ts';
import { tempDir } from './temp-dir.ts';

export type Checkout = AsyncDisposable & {
  path: string;
  fake: FakePrograms;
  /** A lab's name that no other test has: locks are of the whole machine. */
  name: string;
  /** `.lab/<name>/` */
  labDir: string;
  /** Runs a command here, with the fakes as its whole PATH, on kind where nothing else is said. */
  run: (
    command: Parameters<typeof lab>[0],
    args?: readonly string[],
    options?: CommandOptions,
  ) => Promise<CommandResult>;
};

const COPIED = [
  'scripts',
  'services',
  'manifests',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'kind.yaml',
];

/** Writes what an image is made of, in no time. The real one has tests of its own. */
const BUILD = `import { mkdirSync, writeFileSync } from 'node:fs';
for (const service of ['greeter-server', 'greeter-client']) {
  mkdirSync(process.argv[2] + '/' + service, { recursive: true });
  writeFileSync(process.argv[2] + '/' + service + '/main.js', service);
}
`;

let made = 0;

export async function checkout(): Promise<Checkout> {
  await using cleanup = new AsyncDisposableStack();
  const dir = cleanup.use(await tempDir());
  const path = join(dir.path, 'checkout');
  await Promise.all(
    COPIED.map((entry) =>
      cp(join(ROOT, entry), join(path, entry), { recursive: true, preserveTimestamps: true }),
    ),
  );
  await symlink(join(ROOT, 'node_modules'), join(path, 'node_modules'));
  await writeFile(join(path, 'services/build.ts'), BUILD);
  const fake = await fakePrograms(join(dir.path, 'bin'));
  made += 1;
  const { name } = labNamed(`test-${process.pid}-${made}`);
  const kept = cleanup.move();
  return {
    path,
    fake,
    name,
    labDir: join(path, '.lab', name),
    run: (command, args = [], options = {}) =>
      lab(command, args, {
        cwd: path,
        ...options,
        env: { PATH: fake.dir, LAB_PROVIDER: 'kind', ...CLEAN, ...options.env },
      }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** A checkout whose kind makes a cluster on which all is well. */
export async function checkoutWithCluster(): Promise<Checkout & { kube: KubeApi }> {
  await using cleanup = new AsyncDisposableStack();
  const kube = cleanup.use(await kubeApi());
  healthyCluster(kube);
  const here = cleanup.use(await checkout());
  await here.fake.write('kubeconfig', kube.kubeconfig);
  const kept = cleanup.move();
  return { ...here, kube, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Without what a developer's own shell may have set. */
const CLEAN = {
  // Packages are compiled once for all of these commands.
  NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/node'),
  LAB_NODE_IMAGE: undefined,
  LAB_BASE_IMAGE: undefined,
  LAB_KIND_CONFIG: undefined,
  KIND_EXPERIMENTAL_PROVIDER: undefined,
};

/** The whole of a file, or undefined when there is none. */
export const readIfThere = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch(() => undefined);
