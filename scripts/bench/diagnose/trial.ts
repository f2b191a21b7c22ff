// One blind trial: a world of its own with names drawn at random, healthy, then with what is wrong in it; each time
// diagnosed by what can be gathered, and nothing else.

import { readToken } from '../../cluster/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { messageOf } from '../../common/errors.ts';
import { type Cause, type Facts, gatherFacts, judge, readingAccess } from '../../diagnosis/index.ts';
import type { OnLab } from '../../experiments/index.ts';
import {
  type Chosen,
  healAndWatch,
  injectAndWatch,
  readState,
  steadyState,
  takeAway,
  type World,
} from '../../incidents/index.ts';

export type Trial = {
  injected: Cause[];
  variants: string[];
  /** What was named, the most certain first; `healthy` or `unknown` where nothing was. */
  named: string[];
  /** What was said of the world before. */
  before: string;
  /** Both clients saw what they should, of the incident that was injected first. */
  asExpected: boolean;
  symptomsMs: number;
  diagnosedMs: number;
  /** Why it came to no end. */
  error?: string;
};

/** What is seen of a second incident may be what the first has done. */
const ANYTHING = ((anything) => ({ connected: anything, fresh: anything }))({
  words: 'sees something',
  holds: () => true,
});

/** @param keep gets the facts on which each diagnosis rests: of the healthy world, and of the broken one. */
export async function trial(
  { lab }: OnLab,
  world: World,
  chosen: readonly Chosen[],
  keep: (when: 'before' | 'after', facts: Facts) => void,
  signal: AbortSignal,
): Promise<Trial> {
  const work = { say: () => {}, signal };
  const result: Trial = {
    injected: chosen.map(({ incident }) => incident.name),
    variants: chosen.map(({ name }) => name),
    named: [],
    before: '',
    asExpected: false,
    symptomsMs: 0,
    diagnosedMs: 0,
  };
  try {
    await steadyState(
      lab,
      world,
      chosen.map(({ variant }) => variant),
      work,
    );
    const healthy = await facts(lab, world, signal);
    result.before = namedBy(healthy).join(', ');
    keep('before', healthy);
    const arranged = chosen.map(({ variant }) => variant);
    for (const [index, each] of chosen.entries()) {
      const state = (await readState(lab.api, world)) ?? { world, injected: [] };
      const others = chosen.slice(0, index).map(({ variant }) => variant);
      const injecting = index === 0 ? each : { ...each, variant: { ...each.variant, expect: ANYTHING } };
      const symptoms = await injectAndWatch(lab, state, injecting, others, { blind: false, arranged }, work);
      if (index > 0) continue;
      result.asExpected = symptoms.connected.asExpected && symptoms.fresh.asExpected;
      result.symptomsMs = symptoms.afterMs;
    }
    const began = performance.now();
    const seen = await facts(lab, world, signal);
    result.named = namedBy(seen);
    result.diagnosedMs = performance.now() - began;
    keep('after', seen);
  } catch (error) {
    signal.throwIfAborted();
    result.error = messageOf(error);
  }
  await cleanUp(lab, world, chosen);
  return result;
}

function namedBy(seen: Facts): string[] {
  const { verdict, causes } = judge(seen);
  return verdict === 'cause' ? causes.map(({ cause }) => cause) : [verdict];
}

async function facts({ api }: OnLab['lab'], world: World, signal: AbortSignal): Promise<Facts> {
  const access = await readingAccess(api.kubeConfig, { signal });
  const { namespace, clientNamespace, client } = world;
  const question = {
    namespace,
    client: { kind: 'Deployment' as const, name: client, namespace: clientNamespace },
  };
  return gatherFacts(access, question, { controlToken: () => readToken(api) });
}

/** Also when the trial was cut off: what is outside of the world has to be healed. */
async function cleanUp(lab: OnLab['lab'], world: World, chosen: readonly Chosen[]): Promise<void> {
  const work = { say: () => {}, signal: AbortSignal.timeout(240_000) };
  const state = await readState(lab.api, world);
  if (!state) return;
  const outside = chosen.some(({ variant }) => variant.needs?.includes('system-pods'));
  if (outside && state.injected.length > 0) {
    const variantOf = ({ incident }: { incident: Cause }) =>
      (chosen.find((each) => each.incident.name === incident) as Chosen).variant;
    await healAndWatch(lab, state, [], variantOf, work);
  }
  await takeAway(lab.api, state, work);
}

export const isRight = ({ injected, named }: Trial): boolean =>
  injected.length === 1 ? named[0] === injected[0] : injected.every((cause) => named.includes(cause));

export function describeTrial(each: Trial): string {
  const what = each.injected.map((cause, index) => `${cause} (${each.variants[index]})`).join(' + ');
  if (each.error !== undefined) return `✖ ${what}: ${each.error}`;
  const notes = [
    each.before === 'healthy' ? '' : `before: ${each.before}`,
    each.asExpected ? '' : 'symptoms not as expected',
    `symptoms after ${formatDuration(each.symptomsMs)}, diagnosed in ${formatDuration(each.diagnosedMs)}`,
  ];
  return `${isRight(each) ? '✔' : '✖'} ${what}: ${each.named.join(', ')}; ${notes.filter(Boolean).join('; ')}`;
}
