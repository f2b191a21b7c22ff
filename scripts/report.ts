// npm run report – opens the report of a run, lists runs, or gives a run's result in another form.
import open from 'open';
import { main, say } from './common/cli.ts';
import { EXIT, LabError } from './common/errors.ts';
import { jsonOption, labCommand, refuseMisuse } from './common/options.ts';
import { paintOut } from './common/terminal.ts';
import {
  describeRun,
  junitOf,
  listRuns,
  markdownOf,
  type RunDocument,
  readRun,
  runIds,
  writeReport,
} from './report/index.ts';

const command = labCommand(
  'report',
  'Open the report of a run in the browser: the newest, or those whose ids are given.',
)
  .argument('[runs...]', 'ids of runs, as --list shows them, or experiments for their newest run')
  .option('--list', 'list the runs, the newest first')
  .option('--no-open', 'only make the page anew and print where it is (also where stdout is not a terminal)')
  .option('--markdown', 'print a summary in Markdown')
  .option('--junit', 'print JUnit XML')
  .addOption(jsonOption())
  .parse();

await main(async () => {
  refuseMisuse(command, 'report');
  const [names] = command.processedArgs;
  const { list, open: wanted, markdown, junit, json } = command.opts();
  const all = await runIds();
  if (list) {
    const runs = await readable(all);
    process.stdout.write(json ? `${JSON.stringify(runs, null, 2)}\n` : listRuns(runs, process.stdout));
    return EXIT.pass;
  }
  const runs = await Promise.all(idsOf(names, all).map(readRun));
  if (markdown) process.stdout.write(runs.map(markdownOf).join('\n'));
  if (junit) process.stdout.write(junitOf(runs));
  if (json) process.stdout.write(`${JSON.stringify(names.length > 1 ? runs : runs[0], null, 2)}\n`);
  if (markdown || junit || json) return EXIT.pass;
  for (const run of runs) {
    const file = await writeReport(run);
    process.stdout.write(`${paintOut('bold', run.question)}\n${describeRun(run)}\n${file}\n`);
    if (wanted && process.stdout.isTTY) await openInBrowser(file);
  }
  return EXIT.pass;
});

/** @throws LabError `usage` when there is none, or no such one. */
function idsOf(names: readonly string[], all: readonly string[]): string[] {
  const [newest] = all;
  if (newest === undefined) {
    throw new LabError('usage', 'there is no run yet', { hint: 'Make one: npm run experiment scale' });
  }
  if (names.length === 0) return [newest];
  return names.map((name) => {
    const found = all.find((id) => id === name) ?? all.find((id) => id.endsWith(`-${name}`));
    if (found !== undefined) return found;
    throw new LabError('usage', `there is no run "${name}"`, {
      hint: 'npm run report -- --list shows those that are there.',
    });
  });
}

/** Runs of other versions of the lab may not be readable any more: they are told, not fatal. */
async function readable(ids: readonly string[]): Promise<RunDocument[]> {
  const runs: RunDocument[] = [];
  for (const id of ids) {
    try {
      runs.push(await readRun(id));
    } catch (error) {
      say((error as Error).message);
    }
  }
  return runs;
}

async function openInBrowser(file: string): Promise<void> {
  try {
    const browser = await open(file);
    browser.once('error', () => say('No browser could be started: open the file yourself.'));
  } catch {
    say('No browser could be started: open the file yourself.');
  }
}
