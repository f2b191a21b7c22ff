// npm run incident – lists incidents, injects one and shows its symptoms, heals.
import { isDeepStrictEqual } from 'node:util';
import { Argument } from '@commander-js/extra-typings';
import { DEFAULT_LAB, PROVIDERS } from './cluster/index.ts';
import { main, say } from './common/cli.ts';
import { EXIT, LabError } from './common/errors.ts';
import { nearest } from './common/nearest.ts';
import { jsonOption, labCommand, providerOption, refuseMisuse } from './common/options.ts';
import { runSteps, type Step } from './common/steps.ts';
import { paint } from './common/terminal.ts';
import { type OnLab, onLab } from './experiments/index.ts';
import {
  type Chosen,
  choose,
  chooseAtRandom,
  DEFAULT_WORLD,
  describeRecovery,
  findIncidents,
  healAndWatch,
  heal as healWorld,
  type Injected,
  injectAndWatch,
  lacking,
  type Recovery,
  readState,
  type State,
  type Symptoms,
  steadyState,
  takeAway,
  tellChange,
  tellInjected,
  tellList,
  tellRecoveryJson,
  tellSymptoms,
  type Variant,
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
  const { json = false, blind = false } = options;
  if (name === undefined && !options.heal && !blind && !options.remove) {
    tellList(incidents, json);
    return EXIT.pass;
  }
  if (options.show) {
    await tellChange(choose(incidents, name ?? '', options.variant));
    return EXIT.pass;
  }
  await using lab = await onLab({ ...options, name: options.name }, `incident ${name ?? ''}`.trim(), signal);
  const state = await readState(lab.lab.api);
  if (options.remove) return remove(lab, state, json, signal);
  if (name === REVEAL) return reveal(state, json);
  if (options.heal) return heal(lab, state, name, json, signal);
  const chosen = blind
    ? chooseAtRandom(incidents, lab.capabilities)
    : choose(incidents, name ?? '', options.variant);
  return inject(lab, state, chosen, { blind, json }, signal);
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

async function inject(
  lab: OnLab,
  state: State | undefined,
  chosen: Chosen,
  { blind, json }: { blind: boolean; json: boolean },
  signal: AbortSignal,
): Promise<number> {
  const { incident, name, variant } = chosen;
  const missing = lacking(variant, lab.capabilities);
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
  const { connected, fresh } = symptoms as Symptoms;
  const asExpected = connected.asExpected && fresh.asExpected;
  tellSymptoms(chosen, symptoms as Symptoms, { blind, json });
  if (!asExpected) say(paint('yellow', 'Not all symptoms are as they should be.'));
  return asExpected ? EXIT.pass : EXIT.fail;
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
  return choose(incidents, incident, variant).variant;
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

async function heal(
  lab: OnLab,
  state: State | undefined,
  name: string | undefined,
  json: boolean,
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
  const names = (all: readonly Injected[]) => all.map(({ incident }) => incident);
  if (json) tellRecoveryJson(names(gone), recovery as Recovery);
  else say(describeRecovery(recovery as Recovery, names(left)));
  return EXIT.pass;
}

function reveal(state: State | undefined, json: boolean): number {
  const injected = state?.injected ?? [];
  if (injected.length === 0 && !json) say('Nothing is injected.');
  const chosen = injected.map((each) => ({
    ...choose(incidents, each.incident, each.variant),
    at: each.at,
  }));
  tellInjected(chosen, json);
  return EXIT.pass;
}

async function remove(
  lab: OnLab,
  state: State | undefined,
  json: boolean,
  signal: AbortSignal,
): Promise<number> {
  if (!state) {
    say('There is nothing to remove.');
    return EXIT.pass;
  }
  if (state.injected.length > 0) await heal(lab, state, undefined, json, signal);
  await runSteps([step('Remove the greeter', (work) => takeAway(lab.lab.api, state, work))], signal);
  return EXIT.pass;
}
