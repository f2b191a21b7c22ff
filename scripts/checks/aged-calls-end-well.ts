import { formatDuration } from '../common/duration.ts';
import {
  callsStartedIn,
  connectionsOf,
  connectionsOfCall,
  endedMs,
  failuresOf,
  type History,
  type Part,
} from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, describeFailures, momentsOf } from './words.ts';

/** Calls that were in flight when their connection was told to go went on on it, and ended well. */
export function agedCallsEndWell(history: History, { arm, part }: { arm: string; part: Part }): Finding {
  const say = sayFor('aged-calls-end-well', arm);
  const connections = connectionsOf(history, arm);
  const told = connections.filter(({ leftMs }) => leftMs !== undefined && leftMs < part.untilMs);
  if (connections.length === 0) return say.unknown('no connection is known');
  if (told.length === 0) return say.fail('no connection was told to go');

  const aged = callsStartedIn(history, arm, part.fromMs, part.untilMs).flatMap((call) => {
    const on = connectionsOfCall(connections, call);
    const leftMs = on.length === 1 ? on[0]?.leftMs : undefined;
    return leftMs !== undefined && leftMs < endedMs(call) ? [{ call, moreMs: endedMs(call) - leftMs }] : [];
  });
  const failures = failuresOf(aged.map(({ call }) => call));
  const calls = count(aged.length, 'call');
  if (failures.length > 0) {
    return say.fail(
      `of ${calls} on connections that were told to go: ${describeFailures(failures, momentsOf(history, arm))}`,
    );
  }
  if (aged.length === 0) return say.unknown('no call was in flight when a connection was told to go');
  const ages = told.map(({ readyMs, leftMs = readyMs }) => leftMs - readyMs);
  const [youngest, oldest] = [Math.min(...ages), Math.max(...ages)].map(formatDuration);
  const longest = formatDuration(Math.max(...aged.map(({ moreMs }) => moreMs)));
  return say.pass(
    `${count(told.length, 'connection')} told to go at an age of ${youngest} to ${oldest}; ` +
      `${calls} went on on them for up to ${longest} more, and ended well`,
  );
}
