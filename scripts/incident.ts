// npm run incident – lists incidents, injects one and shows its symptoms, heals.
import { isDeepStrictEqual } from 'node:util';
import { Argument } from '@commander-js/extra-typings';
import { type Capability, DEFAULT_LAB, PROVIDERS, readManifests } from './cluster/index.ts';
import { main, say } from './common/cli.ts';
import { formatDuration } from './common/duration.ts';
import { EXIT, LabError } from './common/errors.ts';
import { nearest } from './common/nearest.ts';
import { jsonOption, labCommand, providerOption, refuseMisuse } from './common/options.ts';
import { runSteps, type Step } from './common/steps.ts';
import { paint, paintOut, wrap } from './common/terminal.ts';
import { type OnLab, onLab } from './experiments/index.ts';
import {
  type Chosen,
  DEFAULT_WORLD,
  describeSymptoms,
  findIncidents,
  healAndWatch,
  heal as healWorld,
  type Incident,
  type Injected,
  injectAndWatch,
  type Recovery,
  readState,
  type State,
  type Symptoms,
  showChange,
  steadyState,
  takeAway,
  type Variant,
  variantOf,
} from './incidents/index.ts';

const incidents = await findIncidents();
const names = incidents.map(({ name }): string => name);
const REVEAL = 'reveal';
const HEALTHY = 'Healthy: both clients have answers';
const command = labCommand(
  'incident',
  'Inject an incident into a healthy greeter, and show its symptoms as a client that is connected ' +
    'already and as a fresh channel see them. Without a name: the list.',
)
  .addArgument(new Argument('[name]', `the incident, or ${REVEAL}: names what --blind has injected`))
  .option('--variant <variant>', 'one of the ways in which it comes; --show lists them')
  .option('--show', 'print the exact change, and change nothing')
  .option('--heal', 'undo it, or all that is injected where no name is given')
  .option('--blind', 'inject one at random, and do not say which')
  .option('--remove', 'take the greeter away in which incidents happen, and all that is injected')
  .option('--name <name>', 'name of the lab', DEFAULT_LAB)
  .addOption(providerOption(PROVIDERS))
  .addOption(jsonOption())
  .addHelpText('after', '\nThen: npm run diagnose')
  .parse();

await main(async (signal) => {
  refuseMisuse(command, 'incident');
  const options = command.opts();
  const [name] = command.processedArgs;
  refuseContradictions(name, options);
  if (name === undefined && !options.heal && !options.blind && !options.remove) return list(options.json);
  if (options.show) return show(choose(name ?? '', options.variant));
  await using lab = await onLab({ ...options, name: options.name }, `incident ${name ?? ''}`.trim(), signal);
  const state = await readState(lab.lab.api);
  if (options.remove) return remove(lab, state, signal);
  if (name === REVEAL) return reveal(state, options.json);
  if (options.heal) return heal(lab, state, name, options.json, signal);
  const chosen = options.blind ? atRandom(lab) : choose(name ?? '', options.variant);
  return inject(lab, state, chosen, { blind: options.blind ?? false, json: options.json ?? false }, signal);
});

function refuseContradictions(
  name: string | undefined,
  { heal, blind, show, remove, variant }: ReturnType<typeof command.opts>,
): void {
  const asked = Object.entries({ heal, blind, show, remove }).flatMap(([option, given]) =>
    given ? [`--${option}`] : [],
  );
  if (name !== undefined && name !== REVEAL && !names.includes(name)) {
    const near = nearest(name, names);
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    command.error(`error: there is no incident "${name}"${hint}\nnpm run incident lists them all`);
  }
  if (asked.length > 1) command.error(`error: ${asked.join(' and ')} do not go together`);
  if (name !== undefined && (blind || remove)) command.error(`error: ${asked[0]} takes no name`);
  if (name === undefined && (show || variant !== undefined))
    command.error(`error: ${show ? '--show' : '--variant'} needs the name of an incident`);
}

function list(json = false): number {
  if (json) {
    print(
      incidents.map(({ name, symptom, cause, variants }) => ({
        name,
        symptom,
        cause,
        variants: Object.entries(variants).map(([variant, { about, needs = [] }]) => ({
          name: variant,
          about,
          needs,
        })),
      })),
    );
    return EXIT.pass;
  }
  const text = incidents.map(({ name, symptom }) => `${paintOut('bold', name)}\n${wrap(symptom, '    ')}`);
  process.stdout.write(`${text.join('\n')}\n\nnpm run incident NAME\n`);
  return EXIT.pass;
}

/** Needs no lab. */
async function show({ incident, name, variant }: Chosen): Promise<number> {
  const { world = (same) => same, variants } = incident;
  const others = Object.keys(variants).filter((each) => each !== name);
  const lines = [
    `# ${incident.name}, ${name}: ${variant.about}`,
    ...(others.length > 0 ? [`# It also comes as ${others.join(', ')} (--variant).`] : []),
    await showChange(await readManifests([]), world(DEFAULT_WORLD), variant),
  ];
  process.stdout.write(lines.join('\n'));
  return EXIT.pass;
}

/** @throws LabError `usage` naming the variants that there are. */
function choose(name: string, variant: string | undefined): Chosen {
  const incident = incidents.find((each) => each.name === name) as Incident;
  const found = variantOf(incident, variant);
  if (found) return { incident, ...found };
  throw new LabError('usage', `${name} does not come as "${variant}"`, {
    hint: Object.entries(incident.variants)
      .map(([each, { about }]) => `${each}: ${about}`)
      .join('\n'),
  });
}

function atRandom(lab: OnLab): Chosen {
  const possible = incidents.flatMap((incident) =>
    Object.entries(incident.variants).flatMap(([name, variant]) =>
      lacks(lab, variant).length > 0 ? [] : [{ incident, name, variant }],
    ),
  );
  return possible[Math.floor(Math.random() * possible.length)] as Chosen;
}

function lacks({ capabilities }: OnLab, { needs = [] }: Variant): Capability[] {
  return needs.filter((need) => !capabilities.has(need));
}

async function inject(
  lab: OnLab,
  state: State | undefined,
  chosen: Chosen,
  { blind, json }: { blind: boolean; json: boolean },
  signal: AbortSignal,
): Promise<number> {
  const { incident, name, variant } = chosen;
  const missing = lacks(lab, variant);
  if (missing.length > 0) {
    throw new LabError('usage', `${incident.name} (${name}) needs ${missing.join(', ')}`, {
      hint: 'The embedded provider does not have that. Use kind: --provider kind',
    });
  }
  const already = state?.injected ?? [];
  if (already.some((each) => each.incident === incident.name)) {
    throw new LabError('usage', `${blind ? 'this one' : incident.name} is injected already`, {
      hint: 'npm run diagnose names it; npm run incident -- --heal undoes it.',
    });
  }
  const world = (incident.world ?? ((same) => same))(DEFAULT_WORLD);
  const others = already.map(variantOfInjected);
  if (state && !sameWorld(state, world)) {
    if (already.length > 0)
      throw new LabError('usage', `${incident.name} takes other namespaces than what is injected now`, {
        hint: 'npm run incident -- --heal undoes that first.',
      });
    await runSteps([step('Take the old greeter away', (work) => takeAway(lab.lab.api, state, work))], signal);
  }
  let symptoms: Symptoms | undefined;
  try {
    await runSteps(
      [
        ...(already.length > 0
          ? []
          : [step(HEALTHY, (work) => steadyState(lab.lab, world, [variant], work))]),
        step(
          blind ? 'Inject an incident' : `Inject ${incident.name}: ${variant.about}`,
          async (work) => {
            const current = (await readState(lab.lab.api)) ?? { world, injected: [] };
            symptoms = await injectAndWatch(lab.lab, current, chosen, others, { blind }, work);
          },
          already.length > 0 ? [] : [HEALTHY],
        ),
      ],
      signal,
    );
  } catch (error) {
    await undo(lab, already);
    throw error;
  }
  return tell(chosen, symptoms as Symptoms, { blind, json });
}

/** What a failed or interrupted injection has left. */
async function undo(lab: OnLab, left: readonly Injected[]): Promise<void> {
  const state = await readState(lab.lab.api);
  if (!state || state.injected.length === left.length) return;
  say('Healing what was injected.');
  const kept = state.injected.filter((each) => left.some(({ incident }) => incident === each.incident));
  await healWorld(lab.lab, state, kept, variantOfInjected, {
    say: () => {},
    signal: AbortSignal.timeout(120_000),
  });
}

function sameWorld({ world }: State, other: State['world']): boolean {
  return isDeepStrictEqual(world, other);
}

function variantOfInjected({ incident, variant }: Injected): Variant {
  return choose(incident, variant).variant;
}

type Work = { say: (detail: string) => void; signal: AbortSignal };

function step(title: string, run: (work: Work) => Promise<unknown>, after: readonly string[] = []): Step {
  return {
    name: title,
    title,
    after,
    run: async (work) => {
      await run(work);
      return undefined;
    },
  };
}

function tell(
  { incident, name, variant }: Chosen,
  symptoms: Symptoms,
  { blind, json }: { blind: boolean; json: boolean },
): number {
  const { connected, fresh, afterMs } = symptoms;
  const asExpected = connected.asExpected && fresh.asExpected;
  const which = blind ? {} : { incident: incident.name, variant: name, about: variant.about };
  if (json) {
    print({ ...which, asExpected, afterMs: Math.round(afterMs), connected, fresh });
  } else process.stdout.write(`${describeSymptoms(incident, symptoms, blind)}\n`);
  if (!asExpected) say(paint('yellow', 'Not all symptoms are as they should be.'));
  return asExpected ? EXIT.pass : EXIT.fail;
}

async function heal(
  lab: OnLab,
  state: State | undefined,
  name: string | undefined,
  json: boolean | undefined,
  signal: AbortSignal,
): Promise<number> {
  const injected = state?.injected ?? [];
  const gone = injected.filter(({ incident }) => name === undefined || incident === name);
  if (!state || gone.length === 0) {
    throw new LabError('usage', `${name ?? 'nothing'} is ${name ? 'not ' : ''}injected`, {
      hint: 'npm run incident lists what could be.',
    });
  }
  const left = injected.filter((each) => !gone.includes(each));
  let recovery: Recovery | undefined;
  const title = `Heal ${gone.some(({ blind }) => blind) ? 'what was injected' : gone.map(({ incident }) => incident).join(', ')}`;
  await runSteps(
    [
      step(title, async (work) => {
        recovery = await healAndWatch(lab.lab, state, left, variantOfInjected, work);
      }),
    ],
    signal,
  );
  const { freshMs, connectedMs } = recovery as Recovery;
  if (json)
    print({
      healed: gone.map(({ incident }) => incident),
      freshMs: freshMs ?? null,
      connectedMs: connectedMs ?? null,
    });
  else if (freshMs === undefined) say(`Still injected: ${left.map(({ incident }) => incident).join(', ')}`);
  else
    say(
      `A fresh channel is healthy ${formatDuration(freshMs)} after the healing began, the connected client ${connectedMs === undefined ? 'not yet' : `after ${formatDuration(connectedMs)}`}.`,
    );
  return EXIT.pass;
}

function reveal(state: State | undefined, json = false): number {
  const injected = state?.injected ?? [];
  if (json) print(injected.map(({ incident, variant, at }) => ({ incident, variant, at })));
  else if (injected.length === 0) say('Nothing is injected.');
  for (const each of json ? [] : injected) {
    const { incident, variant } = choose(each.incident, each.variant);
    process.stdout.write(
      `${paintOut('bold', incident.name)} since ${each.at}: ${variant.about}\n${wrap(incident.cause, '  ')}\n${wrap(incident.fix, '  ')}\n`,
    );
  }
  return EXIT.pass;
}

async function remove(lab: OnLab, state: State | undefined, signal: AbortSignal): Promise<number> {
  if (!state) {
    say('There is nothing to remove.');
    return EXIT.pass;
  }
  if (state.injected.length > 0) await heal(lab, state, undefined, true, signal);
  await runSteps([step('Remove the greeter', (work) => takeAway(lab.lab.api, state, work))], signal);
  return EXIT.pass;
}

function print(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}
