// npm run lab:down – removes a lab, or every lab.
import {
  allLabs,
  chooseProvider,
  DEFAULT_LAB,
  down,
  type Lab,
  labNamed,
  takeLock,
  usableProviders,
} from './cluster/index.ts';
import { main, say } from './common/cli.ts';
import { formatDuration } from './common/duration.ts';
import { EXIT, LabError } from './common/errors.ts';
import { labCommand, refuseMisuse } from './common/options.ts';

const command = labCommand(
  'lab:down',
  "Delete the lab's cluster and all that belongs to it. Runs stay in .lab/runs.",
)
  .option('--name <name>', 'name of the lab')
  .option('--all', 'every lab that this tool made')
  .parse();

await main(async (signal) => {
  refuseMisuse(command, 'lab:down');
  const { name, all } = command.opts();
  if (all && name) throw new LabError('usage', '--all and --name exclude each other');
  const labs = all ? await allLabs(await usableProviders()) : [labNamed(name ?? DEFAULT_LAB)];
  if (labs.length === 0) say('There is no lab.');
  for (const lab of labs) await removeLab(lab);
  return EXIT.pass;

  async function removeLab(lab: Lab): Promise<void> {
    await using _lock = await takeLock(lab.name, `lab:down (pid ${process.pid})`);
    const began = performance.now();
    const { provider } = await chooseProvider(lab, 'auto');
    const removed = await down(lab, provider, signal);
    say(
      removed
        ? `Removed "${lab.name}" in ${formatDuration(performance.now() - began)}.`
        : `There is no lab "${lab.name}".`,
    );
  }
});
