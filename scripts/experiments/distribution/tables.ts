// Who answered whom: a matrix of arms and pods.
import { connectionsOf } from '../../checks/index.ts';
import {
  between,
  CLIENT_APP,
  eventsOf,
  type History,
  podsOf,
  SERVER_APP,
  sharesPerPod,
} from '../../history/index.ts';
import type { ResultTable } from '../../report/index.ts';
import type { Setting } from './settings.ts';

type Row = { head: string; shares: (number | null)[]; connections: string };

export function shareTable(history: History, settings: readonly Setting[]): ResultTable {
  const servers = podsOf(history, settings[0]?.name ?? '', SERVER_APP).sort((a, b) =>
    a.pod < b.pod ? -1 : 1,
  );
  const names = servers.map(({ pod }) => pod);
  const ips = servers.map(({ ip }) => ip ?? '');
  const rows = settings.flatMap((setting) => [
    callRow(history, setting, names),
    ...(setting.spread === 'as-resolved' && setting.channels > 1 ? [answerRow(history, setting, ips)] : []),
  ]);
  return {
    title: 'Share of calls by the pod that answered, and connections of the client',
    columns: ['', ...names.map((pod) => `…${pod.slice(-5)}`), 'conn.'],
    rows: rows.map(({ head, shares, connections }) => [
      head,
      ...shares.map((share) => (share === null ? '–' : `${(100 * share).toFixed(0)}%`)),
      connections,
    ]),
    heat: { values: rows.map(({ shares }) => [...shares, null]), tone: 'neutral' },
  };
}

function callRow(history: History, { name, dialled }: Setting, pods: readonly string[]): Row {
  const { fromMs, untilMs } = between(history, 'baseline', 'end');
  const { calls, byPod } = sharesPerPod(history, name, fromMs, untilMs);
  const connections = podsOf(history, name, CLIENT_APP).map(({ pod }) =>
    connectionsOf(history, name, pod, dialled),
  );
  return {
    head: name,
    shares: pods.map((pod) => (calls === 0 ? null : (byPod[pod] ?? 0) / calls)),
    connections: connections.map((open) => open ?? '–').join(', '),
  };
}

/** How often the answers that its client's resolver gave began with each pod. */
function answerRow(history: History, { name }: Setting, ips: readonly string[]): Row {
  const answers = eventsOf(history, 'dns-probe').filter(
    ({ arm, records }) => arm === name && records.length > 0,
  );
  const shareOf = (ip: string) => answers.filter(({ records }) => records[0] === ip).length / answers.length;
  return {
    head: '  its DNS answers begin with',
    shares: ips.map((ip) => (answers.length === 0 ? null : shareOf(ip))),
    connections: '',
  };
}
