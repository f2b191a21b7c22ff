// A process beside the supervisor that outlives it: the end of its stdin is the supervisor's death, kill -9 included,
// and then it kills what is left of the cluster. Started by start-reaper.ts; imports hardly more than Node.
import { killLeftovers } from './leftovers.ts';

const [, , clusterId = ''] = process.argv;
// Ctrl-C and the like are the supervisor's to act on: as long as that lives, this stays.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

let told = '';
process.stdin.setEncoding('utf8').on('data', (text: string) => {
  told += text;
  if (told.includes('stop\n')) process.exit();
});
// A pipe that breaks has ended too.
process.stdin
  .on('error', () => {})
  .once('close', async () => {
    const killed = await killLeftovers(clusterId);
    console.error(`the supervisor has died: ${killed} processes of its pods were killed`);
  });
