// How often `diagnose` is right: every incident in worlds drawn at random, and pairs of them.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ProviderChoice, ROOT } from '../../cluster/index.ts';
import type { Facts } from '../../diagnosis/index.ts';
import { type OnLab, onLab } from '../../experiments/index.ts';
import { type Chosen, findIncidents, PAIRS, randomWorld, variantOf } from '../../incidents/index.ts';
import { LAB } from '../on-stage.ts';
import { print } from '../services.ts';
import { confusionMatrix, pairsTable, summaryOf } from './pages.ts';
import { describeTrial, isRight, type Trial, trial } from './trial.ts';

/** Worlds side by side; they share the nodes, and what is the cluster's is changed by one at a time. */
const AT_ONCE = 3;

/** Prints each trial, the confusion matrix and the pairs, and writes both into docs/incidents/. */
export async function benchDiagnose(
  times: number,
  signal: AbortSignal,
  provider: ProviderChoice,
): Promise<void> {
  await using on = await onLab({ name: LAB, provider }, 'bench diagnose', signal);
  const possible = (await findIncidents()).flatMap((incident) =>
    Object.entries(incident.variants)
      .map(([name, variant]): Chosen => ({ incident, name, variant }))
      .filter(({ variant }) => (variant.needs ?? []).every((need) => on.capabilities.has(need))),
  );
  const singles = rounds(possible, times).map((each) => [each]);
  const pairs = PAIRS.map((pair) =>
    pair.map((name) => {
      const of = possible.find(({ incident }) => incident.name === name) as Chosen;
      return {
        incident: of.incident,
        ...(variantOf(of.incident) as { name: string; variant: Chosen['variant'] }),
      };
    }),
  );
  const tried = await tryAll(on, singles, signal);
  const triedPairs = await tryAll(on, pairs, signal);

  const where = await providerOf(on);
  const summary = summaryOf(tried);
  const matrix = confusionMatrix(tried);
  print(`\n${matrix}\n\n${summary}`);
  print(`pairs: ${triedPairs.filter(isRight).length} of ${triedPairs.length} named both`);
  const dir = join(ROOT, 'docs/incidents');
  await mkdir(dir, { recursive: true });
  await writeFile(
    join(dir, `confusion-${where}.md`),
    `# How often the cause is named first: ${where}\n\nMade by \`npm run bench:diagnose -- --times ${times} --provider ${where}\`: every incident in worlds with names,\nports, sizes and namespaces drawn at random.\n\n${summary}.\n\n${matrix}\n`,
  );
  await writeFile(
    join(dir, where === 'kind' ? 'pairs-kind.md' : 'pairs.md'),
    `# Two incidents at once: ${where}\n\nMade by \`npm run bench:diagnose\`. Both are to be named, in whatever order.\n\n${pairsTable(triedPairs)}\n`,
  );
}

/** Each incident `times` times, its variants in turn. */
function rounds(possible: readonly Chosen[], times: number): Chosen[] {
  const byIncident = Map.groupBy(possible, ({ incident }) => incident);
  return Array.from({ length: times }, (_, round) =>
    [...byIncident.values()].map((variants) => variants[round % variants.length] as Chosen),
  ).flat();
}

async function tryAll(on: OnLab, all: readonly (readonly Chosen[])[], signal: AbortSignal): Promise<Trial[]> {
  const isOfCluster = (chosen: readonly Chosen[]) =>
    chosen.some(({ variant }) => variant.needs?.includes('system-pods'));
  const trials: Trial[] = [];
  const queue = all.filter((chosen) => !isOfCluster(chosen));
  let next = 0;
  const worker = async () => {
    for (let chosen = queue[next++]; chosen !== undefined; chosen = queue[next++])
      trials.push(await one(on, chosen, signal));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  for (const chosen of all.filter(isOfCluster)) trials.push(await one(on, chosen, signal));
  return trials;
}

let worlds = 0;

async function one(on: OnLab, chosen: readonly Chosen[], signal: AbortSignal): Promise<Trial> {
  worlds += 1;
  const drawn = randomWorld(Math.random, `${process.pid.toString(36)}${worlds.toString(36)}`);
  const world = chosen.reduce((before, { incident }) => incident.world?.(before) ?? before, drawn);
  const seen = new Map<string, Facts>();
  const result = await trial(on, world, chosen, (when, facts) => seen.set(when, facts), signal);
  print(describeTrial(result));
  const wrong = { before: result.before !== 'healthy', after: !isRight(result) };
  for (const [when, facts] of seen) {
    if (!wrong[when as keyof typeof wrong]) continue;
    const file = join(on.lab.lab.dir, `facts-${world.namespace}-${when}.json`);
    await writeFile(file, JSON.stringify(facts, null, 2));
    print(`  facts ${when}: ${file}`);
  }
  return result;
}

const providerOf = async ({ capabilities }: OnLab): Promise<string> =>
  capabilities.has('containers') ? 'kind' : 'embedded';
