// The background process of an embedded lab: the cluster, and all its pods below it. Started by the provider, which
// hears by IPC when the API server answers, or why it never will. Its state is in memory: with it goes the cluster.
import { access, writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { messageOf } from '../../common/errors.ts';
import { takeLock } from '../lock.ts';
import {
  type SupervisorMessage,
  SupervisorOptions,
  supervisorLock,
  supervisorPurpose,
} from './background.ts';
import { startCluster } from './cluster.ts';
import { startReaper } from './start-reaper.ts';

const FOLDER_CHECK_MS = 2000;

const log = (text: string) => process.stdout.write(`${new Date().toISOString()} ${text}\n`);
const tell = (message: SupervisorMessage) =>
  new Promise<void>((resolve) => {
    if (!process.connected) resolve();
    else process.send?.(message, () => resolve());
  });
let stop = async () => {};
let stopping = false;
const end = (why: string) => {
  if (stopping) return;
  stopping = true;
  log(`${why}: stopping`);
  stop().then(
    () => process.exit(0),
    (error: unknown) => {
      log(`stopping failed: ${messageOf(error)}`);
      process.exit(1);
    },
  );
};
// Its terminal may go away, and a Ctrl-C there is not for it.
process.on('SIGHUP', () => {});
process.on('SIGINT', () => {});
process.on('SIGTERM', () => end('SIGTERM'));
process.on('uncaughtException', (error) => log(`uncaught: ${error.stack}`));
process.on('unhandledRejection', (reason) =>
  log(`unhandled: ${reason instanceof Error ? reason.stack : String(reason)}`),
);

/** Whoever deletes the lab's folder, or its whole checkout, cannot end the lab by a command any more. */
function endWithFolder(dir: string): void {
  setInterval(() => {
    access(dir).catch(() => end('its folder is gone'));
  }, FOLDER_CHECK_MS).unref();
}

try {
  const options = SupervisorOptions.parse(JSON.parse(process.argv[2] ?? ''));
  await takeLock(supervisorLock(options.name), supervisorPurpose(options.dir));
  const reaper = startReaper({ clusterId: options.clusterId, log });
  const cluster = await startCluster({ ...options, log });
  stop = async () => {
    await cluster.stop();
    reaper.stop();
  };
  await writeFile(options.kubeconfig, stringify(cluster.kubeconfig), { mode: 0o600 });
  log(`serving ${cluster.api}`);
  await tell({ ready: true });
  endWithFolder(options.dir);
} catch (error) {
  log(`cannot start: ${error instanceof Error ? error.stack : String(error)}`);
  await tell({ ready: false, error: messageOf(error) });
  process.exit(1);
}
if (process.connected) process.disconnect();
