import { type History, newPodsOf, type PodLife, podsOf, SERVER_APP } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, listOf } from './words.ts';

type Params = { arm: string; servers: number; expected: 'other-pods' | 'same-pods' };

/** The fault did what it is about: other pods with other addresses, or the same ones with the same. */
export function replacedOrRestarted(history: History, { arm, servers, expected }: Params): Finding {
  const say = sayFor(expected, arm);
  const pods = podsOf(history, arm, SERVER_APP);
  const old = pods.filter((pod) => pod.old);
  const ips = (of: readonly PodLife[]) => of.map(({ ip }) => ip ?? '?');
  const added = newPodsOf(history, arm);
  if (expected === 'same-pods') {
    const restarted = old.filter((pod) => pod.restarts === 1 && pod.goneAtMs === undefined);
    const message = `${restarted.length} of ${count(servers, 'pod')} had one restart and kept ${listOf(ips(restarted))}`;
    return restarted.length === servers && added.length === 0
      ? say.pass(message)
      : say.unknown(`${message}; ${count(added.length, 'new pod')} came`);
  }
  const gone = old.filter((pod) => pod.goneAtMs !== undefined);
  const again = ips(added).filter((ip) => ips(old).includes(ip));
  const message =
    `${gone.length} of ${count(servers, 'pod')} went, ${added.length} came, ` +
    `from ${listOf(ips(old))} to ${listOf(ips(added))}`;
  return gone.length === servers && added.length === servers && again.length === 0
    ? say.pass(message)
    : say.unknown(`${message}${again.length > 0 ? `; ${listOf(again)} came back` : ''}`);
}
