// `docker` and `kind` as shell scripts that keep what they were told in files. They do what the lab asks of the real
// ones on a good day; a test says otherwise for the one subcommand that it is about.
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export type FakePrograms = {
  /** The folder to be the PATH. */
  dir: string;
  /**
   * Shell code that runs instead of a subcommand, `docker save` or `kind create`. What does not `exit` goes on with
   * the subcommand as it is.
   */
  instead: (subcommand: string, shell: string) => Promise<void>;
  /** Takes back what `instead` said. */
  again: (subcommand: string) => Promise<void>;
  uninstall: (program: 'docker' | 'kind') => Promise<void>;
  /** Writes a file that the fakes read: `images`, `info.json`, `kubeconfig`. */
  write: (file: string, text: string) => Promise<void>;
  /** A cluster that is there already; `mark` is the name of the lab that its nodes are labelled with. */
  addCluster: (name: string, options?: { mark?: string; state?: string }) => Promise<void>;
  removeCluster: (name: string) => Promise<void>;
  /** Whether a fake has written this file. */
  has: (file: string) => Promise<boolean>;
  /** All commands so far, one a line; or another file that fakes or tests wrote. */
  read: (file?: string) => Promise<string>;
};

export const NODE_IMAGE = `kindest/node:v1.34.0@sha256:${'0'.repeat(64)}`;

export const ENGINE = {
  MemTotal: 16 * 2 ** 30,
  NCPU: 4,
  Architecture: 'x86_64',
  // A folder that cannot be seen: the free space of the machine under test does not matter.
  DockerRootDir: '/nowhere/docker',
  ServerVersion: '29.0.0',
  DriverStatus: [['Backing Filesystem', 'extfs']],
};

/** Code that blocks until it is killed, with a child of its own. In `file` are their process ids and its parent's. */
export const block = (file: string): string =>
  `sleep 300 & echo $$ $! $PPID > "$state/${file}.new"; mv "$state/${file}.new" "$state/${file}"; wait`;

const PROLOGUE = (program: string) => `#!/bin/sh
here=\${0%/*} state=\${0%/*}/state
PATH=/usr/bin:/bin
echo "${program} $*" >> "$state/log"
all="$*"
last() { for word; do :; done; echo "$word"; }
after() { wanted=$1; shift; for word; do [ "$previous" = "$wanted" ] && echo "$word"; previous=$word; done; }
[ ! -f "$state/${program}-$1" ] || . "$state/${program}-$1"
`;

const DOCKER = `${PROLOGUE('docker')}
case "$1" in
  info) cat "$state/info.json" ;;
  ps) cluster=\${all##*kind.cluster=}; cat "$state/cluster-\${cluster%% *}/nodes" 2>/dev/null || true ;;
  cp) node=\${2%%:*}; cat "$state/cluster-\${node%-control-plane}/kubeadm.conf" ;;
  exec)
    [ "$4" = version ] || cat "$state"/cluster-*/"images-$2" 2>/dev/null || true ;;
  image) grep -qxF "$(last "$@")" "$state/images" || { echo "Error: No such image" >&2; exit 1; } ;;
  images) grep '^kindest/node:' "$state/images" || true ;;
  pull) echo "$3" >> "$state/images" ;;
  tag) echo "$3" >> "$state/images" ;;
  build) after --tag "$@" >> "$state/images" ;;
  save) for word; do case "$word" in grpc-kind-lab/*) echo "docker.io/$word" ;; esac; done > "$(after --output "$@")" ;;
  start) ;;
  *) echo "fake docker: $*?" >&2; exit 9 ;;
esac
`;

const KIND = `${PROLOGUE('kind')}
# ${NODE_IMAGE}
case "$1 $2" in
  "version "*) echo kind v0.30.0 ;;
  "get clusters") cd "$state"; for name in cluster-*; do [ ! -d "$name" ] || echo "\${name#cluster-}"; done ;;
  "get kubeconfig") cat "$state/kubeconfig" ;;
  "create cluster")
    cat > "$state/config.yaml"
    name=$(sed -n 's/^name: //p' "$state/config.yaml")
    mkdir -p "$state/cluster-$name" || exit 1
    {
      printf '%s\\trunning\\tcontrol-plane\\n' "$name-control-plane"
      for i in $(seq "$(grep -c 'role: worker' "$state/config.yaml")"); do
        printf '%s\\trunning\\tworker\\n' "$name-worker$i"
      done
    } > "$state/cluster-$name/nodes"
    [ ! -f "$state/kind-nodes-started" ] || . "$state/kind-nodes-started"
    echo "node-labels: grpc-kind-lab.dev/lab=$name" > "$state/cluster-$name/kubeadm.conf"
    cp "$state/kubeconfig" "$(after --kubeconfig "$@")" ;;
  "delete cluster") rm -rf "$state/cluster-$(after --name "$@")" ;;
  "load image-archive")
    for node in $(after --nodes "$@" | tr , ' '); do
      cat "$3" >> "$state/cluster-$(after --name "$@")/images-$node"
    done ;;
  *) echo "fake kind: $*?" >&2; exit 9 ;;
esac
`;

export async function fakePrograms(dir: string): Promise<FakePrograms> {
  const state = join(dir, 'state');
  await mkdir(state, { recursive: true });
  const write = (file: string, text: string) => writeFile(join(state, file), text);
  const overridden = (subcommand: string) => join(state, subcommand.replace(' ', '-'));
  await write('log', '');
  await write('images', 'node:24-bookworm-slim\n');
  await write('kubeconfig', '');
  await write('info.json', JSON.stringify(ENGINE));
  for (const [program, text] of Object.entries({ docker: DOCKER, kind: KIND })) {
    await writeFile(join(dir, program), text);
    await chmod(join(dir, program), 0o755);
  }
  return {
    dir,
    instead: (subcommand, shell) => writeFile(overridden(subcommand), `${shell}\n`),
    again: (subcommand) => rm(overridden(subcommand)),
    uninstall: (program) => rm(join(dir, program)),
    write,
    addCluster: async (name, { mark = '', state: nodeState = 'running' } = {}) => {
      const cluster = join(state, `cluster-${name}`);
      await mkdir(cluster);
      const workers = [1, 2, 3].map((i) => `${name}-worker${i}\t${nodeState}\tworker\n`);
      await writeFile(
        join(cluster, 'nodes'),
        [`${name}-control-plane\t${nodeState}\tcontrol-plane\n`, ...workers].join(''),
      );
      await writeFile(join(cluster, 'kubeadm.conf'), `node-labels: grpc-kind-lab.dev/lab=${mark}`);
    },
    removeCluster: (name) => rm(join(state, `cluster-${name}`), { recursive: true }),
    has: async (file) => existsSync(join(state, file)),
    read: (file = 'log') => readFile(join(state, file), 'utf8'),
  };
}

/** Programs that `block` started and that are still there. Zombies have ended. */
export async function blockedStill(fake: FakePrograms, file: string): Promise<string[]> {
  const ids = (await fake.read(file)).trim().split(' ').slice(0, 2);
  const states = await Promise.all(ids.map((id) => stateOf(id)));
  return ids.filter((_, index) => states[index] !== undefined && states[index] !== 'Z');
}

const stateOf = async (id: string): Promise<string | undefined> =>
  / ([A-Z]) /.exec(await readFile(`/proc/${id}/stat`, 'utf8').catch(() => ''))?.[1];
