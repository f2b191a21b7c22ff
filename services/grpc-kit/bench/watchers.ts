// Clients that do nothing but watch: arguments are how many, the target, and the kubeconfig. Each has a watch of its
// own, for each is told of a kubeconfig of its own. Prints "watching" when all have their endpoints; ends with SIGTERM.
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GreeterService } from '../../gen/greet.ts';
import { createClient } from '../src/index.ts';

const [count = '1', target = '', kubeconfig = ''] = process.argv.slice(2);
const dir = await mkdtemp(join(tmpdir(), 'grpc-kit-watchers-'));

async function watcher(index: number): Promise<() => Promise<void>> {
  const own = join(dir, `${index}`);
  await copyFile(kubeconfig, own);
  return new Promise((resolve) => {
    const client = createClient(GreeterService, target, {
      kubernetes: { kubeconfig: own },
      // The pods cannot be reached from here, and need not be.
      channelOptions: {
        'grpc.initial_reconnect_backoff_ms': 600_000,
        'grpc.max_reconnect_backoff_ms': 600_000,
      },
      onAddresses: ({ error }) => {
        if (error === undefined) resolve(() => client.close({ timeoutMs: 0 }));
      },
    });
    client.channels[0]?.getConnectivityState(true);
  });
}

// A watch alone keeps no process alive.
const alive = setInterval(() => {}, 60_000);
const closes = await Promise.all(Array.from({ length: Number(count) }, (_, index) => watcher(index)));
process.stdout.write('watching\n');
process.once('SIGTERM', async () => {
  clearInterval(alive);
  await Promise.all(closes.map((close) => close()));
  await rm(dir, { recursive: true, force: true });
});
