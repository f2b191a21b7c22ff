// docs/incidents/: a page for each incident from its own definition, the list, and the decision tree.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { markdownTable } from 'markdown-table';
import { ROOT, readManifests } from '../cluster/index.ts';
import { DEFAULT_WORLD, findIncidents, type Incident, showChange } from '../incidents/index.ts';
import { DECISION_TREE, treeAsMarkdown } from './decision-tree.ts';

const FOLDER = join(ROOT, 'docs/incidents');

export async function writeIncidents(): Promise<void> {
  const incidents = await findIncidents();
  const manifests = await readManifests([]);
  await mkdir(FOLDER, { recursive: true });
  for (const incident of incidents)
    await writeFile(join(FOLDER, `${incident.name}.md`), await pageOf(incident, manifests));
  await writeFile(join(FOLDER, 'README.md'), indexOf(incidents));
  await writeFile(
    join(FOLDER, 'decision-tree.md'),
    `# What may it be?\n\n${treeAsMarkdown(DECISION_TREE)}\n`,
  );
}

async function pageOf(
  incident: Incident,
  manifests: Awaited<ReturnType<typeof readManifests>>,
): Promise<string> {
  const {
    name,
    symptom,
    cause,
    underneath,
    confirm,
    fix,
    prevent,
    variants,
    world = (same) => same,
  } = incident;
  const [usual] = Object.entries(variants);
  if (!usual) throw new Error(`${name} comes in no way`);
  const [usualName, variant] = usual;
  const ways = Object.entries(variants).map(([way, { about, needs = [], expect }]) => [
    way,
    about,
    expect.connected.words,
    expect.fresh.words,
    needs.join(', ') || 'any provider',
  ]);
  const place = world(DEFAULT_WORLD);
  return `# ${name}

**${symptom}**

${cause}

\`\`\`sh
npm run incident ${name}
npm run diagnose
npm run incident -- --heal
\`\`\`

## What is seen

${markdownTable([['variant', 'what is changed', 'a client that was connected', 'a fresh channel', 'needs'], ...ways])}

## What happens underneath

${underneath}

## How to confirm it by hand

${markdownTable([['command', 'shows'], ...confirm(place).map(({ command, shows }) => [`\`${command.replaceAll('|', '\\|')}\``, shows])])}

## What mends it

${fix}

## How to prevent it

${prevent.map((each) => `- ${each}`).join('\n')}

## The exact change (${usualName})

\`\`\`diff
${(await showChange(manifests, place, variant)).trim()}
\`\`\`
`;
}

function indexOf(incidents: readonly Incident[]): string {
  const rows = incidents.map(({ name, symptom, cause }) => [symptom, `[${name}](${name}.md)`, cause]);
  return `# Incidents

The usual causes of trouble with gRPC on Kubernetes, each of which \`npm run incident NAME\` makes happen in a healthy
greeter, and \`npm run diagnose\` names – there, or in a cluster of your own. The other way round, from what you see to
what it may be: [the decision tree](decision-tree.md).

After an incident is healed a diagnosis still tells of what the client saw: for up to half a minute, and of a client that
calls rarely for its next twenty calls. It only reads, and cannot know that something was mended.

How often the cause is named first, in worlds with names, ports and sizes drawn at random:
[embedded](confusion-embedded.md), [kind](confusion-kind.md); two at once: [embedded](pairs.md), [kind](pairs-kind.md).

${markdownTable([['what is seen', 'incident', 'what is wrong'], ...rows])}
`;
}
