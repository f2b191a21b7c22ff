// Arms that call the servers of another arm.
import { eventsOf, type History } from './events.ts';

const known = new WeakMap<History, ReadonlyMap<string, string>>();

/** The arm whose servers the clients of an arm call: mostly its own. */
export function serverArmOf(history: History, arm: string): string {
  const shared =
    known.get(history) ??
    new Map(eventsOf(history, 'shared-servers').map((event) => [event.arm, event.serversOf]));
  known.set(history, shared);
  return shared.get(arm) ?? arm;
}
