// docs/experiments/: a page for each experiment, from its own definition and from runs that were made here.
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from '@commander-js/extra-typings';
import { markdownTable } from 'markdown-table';
import { CAPABILITIES, ROOT } from '../cluster/index.ts';
import { say } from '../common/cli.ts';
import { formatDuration } from '../common/duration.ts';
import {
  COVERAGE,
  type Experiment,
  findExperiments,
  howItHeld,
  type Measured,
  readMeasured,
} from '../experiments/index.ts';
import { picturesOf, type RunDocument, readRun, runIds } from '../report/index.ts';

const FOLDER = join(ROOT, 'docs/experiments');
const SEEN = '## What was seen';
const PREDICTIONS = 'predictions.md';

/** Where no passing run on kind is here, what the page shows of one stays. */
export async function writeExperiments(): Promise<void> {
  const experiments = await findExperiments();
  const runs = await passingRuns();
  for (const experiment of experiments) {
    const run = runs.get(experiment.name);
    const file = join(FOLDER, `${experiment.name}.md`);
    const seen = run ? await seenIn(run, experiment.figures) : await seenBefore(file);
    if (!run) say(`${experiment.name}: no passing run on kind is here; what its page shows stays`);
    await writeFile(file, pageOf(experiment, seen));
  }
  await writeFile(join(FOLDER, PREDICTIONS), predictionsPage(readMeasured()));
  await writeFile(join(FOLDER, 'README.md'), indexOf(experiments));
  await removeUnseen();
}

/** Pictures that no page shows any more. */
async function removeUnseen(): Promise<void> {
  const files = await readdir(FOLDER);
  const pages = await Promise.all(
    files.filter((file) => file.endsWith('.md')).map((file) => readFile(join(FOLDER, file), 'utf8')),
  );
  const pictures = files.filter((file) => file.endsWith('.svg'));
  for (const picture of pictures)
    if (!pages.some((page) => page.includes(`](${picture})`))) await rm(join(FOLDER, picture));
}

/** The newest of each experiment. */
async function passingRuns(): Promise<Map<string, RunDocument>> {
  const newest = new Map<string, RunDocument>();
  for (const id of await runIds()) {
    const run = await readRun(id).catch(() => undefined);
    if (run?.verdict === 'pass' && run.provider === 'kind' && !newest.has(run.experiment))
      newest.set(run.experiment, run);
  }
  return newest;
}

function pageOf(experiment: Experiment, seen: string): string {
  const options = new Command().configureHelp({ helpWidth: 100 });
  const { plan } = experiment.options(options as never);
  options.parse([], { from: 'user' });
  const [, listed = ''] = options.helpInformation().split('Options:\n');
  return `# ${experiment.name}

**${experiment.question}**

${paragraph(experiment.about)}

\`\`\`sh
npm run experiment ${experiment.name}
\`\`\`

## What to expect

With its defaults, as it is printed before the run:

\`\`\`
${plan(CAPABILITIES).prediction}
\`\`\`

${SEEN}

${seen.trim() || 'No passing run on kind has been recorded here yet.'}

## What to do with it

${paragraph(experiment.use)}

## Options

\`\`\`
${listed.trimEnd()}
\`\`\`
`;
}

/** That part of the page as it is. */
async function seenBefore(file: string): Promise<string> {
  const page = await readFile(file, 'utf8').catch(() => '');
  const [, seen = ''] = page.split(`${SEEN}\n`);
  return seen.split('\n## ')[0] ?? '';
}

async function seenIn(run: RunDocument, figures: readonly string[]): Promise<string> {
  const pictures = await picturesOf(run, figures);
  const fileOf = (id: string) => `${run.experiment}-${id}.svg`;
  for (const { id, svg } of pictures) await writeFile(join(FOLDER, fileOf(id)), svg);
  const tables = run.tables.map(
    ({ title, columns, rows }) =>
      `${title}:\n\n${markdownTable([columns, ...rows], { align: ['l', ...columns.slice(1).map(() => 'r')] })}`,
  );
  const on = `A run on ${run.provider} (Kubernetes ${run.versions.kubernetes}), ${run.startedAt.slice(0, 10)}: **${run.verdict}**.`;
  return [on, ...pictures.map(({ id, summary }) => `![${summary}](${fileOf(id)})`), ...tables].join('\n\n');
}

/** The terminal's line breaks are not the page's; a word that ends in a hyphen goes on in the next line. */
function paragraph(lines: string): string {
  return lines.replaceAll(/(?<=\w-)\n/g, '').replaceAll('\n', ' ');
}

function indexOf(experiments: readonly Experiment[]): string {
  const rows = experiments.map(({ name, question }) => `- [${name}](${name}.md) – ${question}`);
  return `# Experiments\n\n${rows.join('\n')}\n\n[How good the predictions of convergence are](${PREDICTIONS})\n`;
}

function predictionsPage(measured: Measured): string {
  const rows = measured.scaleOuts.map(
    ({ maxConnectionAgeMs, dnsFloorMs, clients, from, added, fromMs, toMs, slowestMs, inside }) => [
      formatDuration(maxConnectionAgeMs),
      formatDuration(dnsFloorMs),
      `${clients}`,
      `${from} + ${added}`,
      `${formatDuration(fromMs)} to ${formatDuration(toMs)}`,
      slowestMs === null ? 'never' : formatDuration(slowestMs),
      inside ? 'yes' : 'no',
    ],
  );
  const columns = ['Max age', 'Floor', 'Clients', 'Pods', 'Predicted', 'Measured', 'Inside'];
  return `# Predictions of convergence

From a new pod's Ready until the slowest of five or more clients calls it, clients being at random points of their
resolver's period: simulated from these parameters and the moment of the change, as an interval that holds
${COVERAGE * 100} % of the simulated runs; and measured, three scale-outs side by side, on ${measured.date}. ${howItHeld(measured)}

${markdownTable([columns, ...rows], { align: columns.map(() => 'r') })}

Made by \`npm run bench -- prediction --times ${measured.scaleOuts.length}\`.
`;
}
