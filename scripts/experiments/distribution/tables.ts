// Who answered whom: a matrix of arms and pods.
import { connectionsOf } from '../../checks/index.ts';
import { between, CLIENT_APP, type History, podsOf, SERVER_APP, sharesPerPod } from '../../history/index.ts';
import type { ResultTable } from '../../report/index.ts';
import type { Setting } from './settings.ts';

export function shareTable(history: History, settings: readonly Setting[]): ResultTable {
  const { fromMs, untilMs } = between(history, 'baseline', 'end');
  const pods = podsOf(history, settings[0]?.name ?? '', SERVER_APP)
    .map(({ pod }) => pod)
    .sort();
  const rows = settings.map(({ name, dialled }) => {
    const { calls, byPod } = sharesPerPod(history, name, fromMs, untilMs);
    const connections = podsOf(history, name, CLIENT_APP).map(({ pod }) =>
      connectionsOf(history, name, pod, dialled),
    );
    return {
      name,
      shares: pods.map((pod) => (calls === 0 ? null : (byPod[pod] ?? 0) / calls)),
      connections: connections.map((open) => open ?? '–').join(', '),
    };
  });
  return {
    title: 'Share of calls by the pod that answered, and connections of the client',
    columns: ['', ...pods.map((pod) => `…${pod.slice(-5)}`), 'conn.'],
    rows: rows.map(({ name, shares, connections }) => [
      name,
      ...shares.map((share) => (share === null ? '–' : `${(100 * share).toFixed(0)}%`)),
      connections,
    ]),
    heat: { values: rows.map(({ shares }) => [...shares, null]), tone: 'neutral' },
  };
}
