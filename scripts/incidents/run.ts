// An incident from its healthy beginning to its symptoms.
import { setTimeout as delay } from 'node:timers/promises';
import { isPodReady, NAME_LABEL, type StartedLab } from '../cluster/index.ts';
import { LabError } from '../common/errors.ts';
import { waitFor } from '../common/wait.ts';
import type { Incident, Variant } from './incident.ts';
import { bringUp, heal, inject } from './life.ts';
import type { Work } from './ready.ts';
import { type Injected, type State, writeState } from './state.ts';
import { type Expectation, goesOn } from './symptoms/expectations.ts';
import { type Clients, openClients } from './symptoms/read.ts';
import { ended, type Reading, readingBetween } from './symptoms/reading.ts';
import type { World } from './world.ts';

type Lab = Pick<StartedLab, 'api' | 'manifests'>;

/** What a client saw, beside what it was to see. */
export type Symptom = { expected: string; asExpected: boolean; reading: Reading };
export type Symptoms = { connected: Symptom; fresh: Symptom; afterMs: number };

/** Both symptoms have to show within this. */
const SYMPTOMS_MS = 45_000;
/** Long enough for a diagnosis to tell a client that has settled from one that has just begun. */
const STEADY_MS = 4000;
const RECOVERED_MS = 2000;
const OVER_MS = 12_000;
const STEADY_WITHIN_MS = 120_000;
/** A connected client may wait for the floor between two resolutions, and longer for a connection that hangs. */
const RECOVERY_MS = 150_000;

/** An incident in one of its variants. */
export type Chosen = { incident: Incident; name: string; variant: Variant };

/**
 * Makes the world healthy, and has seen that it is: both clients have answers, and no failure.
 *
 * @throws LabError `failed` with what is wrong, where it is not within two minutes.
 */
export async function steadyState(
  lab: Lab,
  world: World,
  variants: readonly Variant[],
  work: Work,
): Promise<void> {
  await writeState(lab.api, { world, injected: [] });
  await bringUp(lab, world, variants, work);
  const clients = await openClients(lab.api, world, work.signal);
  await waitFor(
    'a steady state',
    async () => {
      const both = await bothReadings(clients, work.signal);
      const readings = Object.entries(both);
      // A connected client may call rarely; a fresh channel has to have been answered.
      if (!goesOn.holds(both.fresh, { oldPods: [], pods: [] }) && both.fresh.failures.length === 0)
        return { waiting: 'the fresh client: no call was answered' };
      const late = await failedLately(clients);
      if (late) return { waiting: `${late} a moment ago` };
      const [failing] = readings.filter(([, reading]) => reading.failures.length > 0);
      if (!failing) return { done: undefined };
      const [which, { failures }] = failing;
      return { waiting: `the ${which} client: ${failures[0]?.code}: ${failures[0]?.message}` };
    },
    { timeoutMs: STEADY_WITHIN_MS, signal: work.signal, onWaiting: work.say },
  );
}

/** A client that began before its Service could be reached everywhere has failed calls for a moment: they are to be over. */
async function failedLately(clients: Clients): Promise<string | undefined> {
  for (const { status } of await Promise.all([clients.connected(), clients.own()])) {
    const late = status.failures.find(({ lastMs }) => (status.lastOkMs ?? 0) - lastMs < OVER_MS);
    if (late) return late.code;
  }
  return undefined;
}

async function bothReadings(clients: Clients, signal: AbortSignal) {
  const before = await clients.connected();
  await delay(STEADY_MS, undefined, { signal });
  const fresh = await clients.fresh();
  const after = await clients.connected();
  return { fresh, connected: readingBetween(before.status, after.status, 0) };
}

/**
 * Injects an incident and waits until both clients have seen what they are to see, or the time is over.
 *
 * @param others what is injected already; `arranged`: all for which the world is arranged, if those are more.
 */
export async function injectAndWatch(
  lab: Lab,
  state: State,
  { incident, name, variant }: Chosen,
  others: readonly Variant[],
  options: { blind: boolean; arranged?: readonly Variant[] },
  work: Work,
): Promise<Symptoms> {
  const clients = await openClients(lab.api, state.world, work.signal);
  const oldPods = await serverPods(lab, state.world);
  const before = await clients.connected();
  const began = performance.now();
  const injected = {
    incident: incident.name,
    variant: name,
    at: new Date().toISOString(),
    blind: options.blind,
  };
  await inject(lab, state, injected, [...others, variant], work, options.arranged);
  return watchSymptoms(lab, state.world, variant, { clients, before, oldPods, began }, work);
}

async function watchSymptoms(
  lab: Lab,
  world: World,
  { expect, showsAfterMs = 0 }: Variant,
  from: {
    clients: Clients;
    before: Awaited<ReturnType<Clients['connected']>>;
    oldPods: readonly string[];
    began: number;
  },
  work: Work,
): Promise<Symptoms> {
  const { clients, before, oldPods, began } = from;
  await delay(showsAfterMs, undefined, { signal: work.signal });
  const deadline = performance.now() + SYMPTOMS_MS;
  for (;;) {
    const fresh = await clients.fresh();
    const after = await clients.connected();
    const connected = readingBetween(before.status, after.status, after.connections - before.connections);
    const pods = await serverPods(lab, world);
    const judged = (expected: Expectation, reading: Reading): Symptom => ({
      expected: expected.words,
      asExpected: expected.holds(reading, { oldPods, pods }),
      reading,
    });
    const symptoms: Symptoms = {
      connected: judged(expect.connected, connected),
      fresh: judged(expect.fresh, fresh),
      afterMs: performance.now() - began,
    };
    const both = symptoms.connected.asExpected && symptoms.fresh.asExpected;
    if (both || performance.now() > deadline) return symptoms;
    work.say(
      `fresh: ${symptoms.fresh.asExpected ? 'as expected' : 'not yet'}, connected: ${symptoms.connected.asExpected ? 'as expected' : 'not yet'}`,
    );
  }
}

/** How long each client took to be without failures; undefined: not seen, or longer than was waited for. */
export type Recovery = { freshMs: number | undefined; connectedMs: number | undefined };

/** Heals, and waits until a fresh channel is healthy, and then until the connected client is. */
export async function healAndWatch(
  lab: Lab,
  state: State,
  left: readonly Injected[],
  variantOf: (injected: Injected) => Variant,
  work: Work,
): Promise<Recovery> {
  const began = performance.now();
  await heal(lab, state, left, variantOf, work);
  // While something is wrong, nobody need be well.
  if (left.length > 0) return { freshMs: undefined, connectedMs: undefined };
  const clients = await openClients(lab.api, state.world, work.signal);
  const freshMs = await until(clients.fresh, began, work);
  if (freshMs === undefined) {
    throw new LabError('failed', 'healed, but a fresh channel still has failed calls', {
      hint: 'npm run diagnose says why.',
    });
  }
  const connectedMs = await until(
    async () => {
      const before = await Promise.all([clients.connected(), clients.own()]);
      await delay(RECOVERED_MS, undefined, { signal: work.signal });
      const after = await Promise.all([clients.connected(), clients.own()]);
      const [earlier, own] = after.map(({ status }, index) =>
        readingBetween(before[index]?.status, status, 0),
      );
      return earlier && own && earlier.failures.length === 0 ? own : (earlier as Reading);
    },
    began,
    work,
  );
  return { freshMs, connectedMs };
}

async function until(
  read: () => Promise<Reading>,
  began: number,
  { say }: Work,
): Promise<number | undefined> {
  while (performance.now() - began < RECOVERY_MS) {
    const reading = await read();
    if (reading.failures.length === 0 && ended(reading) > 0) return performance.now() - began;
    say(`${reading.failures[0]?.code ?? 'no answer'} still`);
  }
  return undefined;
}

/** Server pods that are Ready to be called, by name. */
async function serverPods({ api }: Lab, { namespace, server }: World): Promise<string[]> {
  const { items } = await api.core.listNamespacedPod({ namespace, labelSelector: `${NAME_LABEL}=${server}` });
  return items.flatMap((pod) =>
    isPodReady(pod) && pod.metadata?.name !== undefined && !pod.metadata.deletionTimestamp
      ? [pod.metadata.name]
      : [],
  );
}
