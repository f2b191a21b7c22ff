import { formatDuration } from '../common/duration.ts';
import { clientsOf, connectionsOf, type History, type Part } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, listOf } from './words.ts';

/** For a control without max age: every client had one connection, which took its calls all the time. */
export function connectionKept(history: History, { arm, part }: { arm: string; part: Part }): Finding {
  const say = sayFor('connection-kept', arm);
  const connections = connectionsOf(history, arm);
  const clients = clientsOf(history, arm);
  const silent = clients.filter((client) => !connections.some((each) => each.client === client));
  if (connections.length === 0 || silent.length > 0) {
    return say.unknown(`no connection is known${silent.length > 0 ? ` of ${listOf(silent)}` : ''}`);
  }
  const left = connections.filter(({ leftMs }) => leftMs !== undefined && leftMs < part.untilMs);
  if (left.length > 0) {
    const ages = left.map(({ readyMs, leftMs = readyMs }) => formatDuration(leftMs - readyMs));
    return say.fail(`${count(left.length, 'connection')} ended, at an age of ${listOf(ages)}`);
  }
  const sinceMs = Math.max(...connections.map(({ readyMs }) => readyMs));
  return say.pass(
    `${count(clients.length, 'client')} kept the first connection for ${formatDuration(part.untilMs - sinceMs)}`,
  );
}
