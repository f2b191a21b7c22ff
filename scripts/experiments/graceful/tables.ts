// What became of the calls and connections of each arm.
import { GRPC_PORT } from '../../../services/protocol/index.ts';
import { DROPPED, endedAs, isCut, portsOf, RESET } from '../../checks/index.ts';
import { formatDuration } from '../../common/duration.ts';
import {
  type Call,
  CLIENT_APP,
  type Connection,
  callsOf,
  connectionsOf,
  connectionsOfCall,
  endedMs,
  eventsOf,
  type History,
  startedMs,
} from '../../history/index.ts';
import type { Plot, ResultTable } from '../../report/index.ts';
import type { Arm } from './arms.ts';

type OnConnection = { call: Call; connection: Connection };

/** The calls of an arm of which it is certain on which connection they were. */
function callsOnConnections(history: History, arm: string): OnConnection[] {
  const connections = connectionsOf(history, arm);
  return callsOf(history, arm).flatMap((call) => {
    const [connection, ...others] = connectionsOfCall(connections, call);
    return connection === undefined || others.length > 0 ? [] : [{ call, connection }];
  });
}

function codesOf(calls: readonly Call[]): string {
  const codes = [DROPPED, RESET].flatMap((end) => {
    const cut = calls.filter((call) => endedAs(call, end)).length;
    return cut === 0 ? [] : [`${cut} ${end.code}`];
  });
  return codes.length === 0 ? '–' : codes.join(', ');
}

const range = (ms: readonly number[]): string =>
  ms.length === 0 ? '–' : `${formatDuration(Math.min(...ms))} to ${formatDuration(Math.max(...ms))}`;

export const fateTable = (history: History, arms: readonly Arm[]): ResultTable => ({
  title: 'When a connection is too old: what became of what was on it',
  columns: [
    '',
    'calls',
    'ended well',
    'cut with',
    'cut after connect',
    'went on when told to go',
    'connections',
  ],
  rows: arms.map(({ name, calls: kind }) => {
    const streams = kind === 'streams';
    const calls = callsOf(history, name);
    const on = callsOnConnections(history, name);
    const cut = on.filter(({ call }) => isCut(call));
    const wentOn = on.flatMap(({ call, connection: { leftMs } }) =>
      leftMs !== undefined && leftMs < endedMs(call) ? [endedMs(call) - leftMs] : [],
    );
    const made = connectionsOf(history, name).length;
    const open = eventsOf(history, 'sockets').findLast(
      (seen) => seen.arm === name && seen.app === CLIENT_APP,
    );
    const openAtEnd = open === undefined ? '?' : portsOf(open, GRPC_PORT).length;
    const well = calls.filter(({ code }) => code === 'OK').length;
    const stillOpen = calls.filter(({ code }) => code === 'CANCELLED').length;
    return [
      name,
      `${calls.length} ${streams ? 'streams' : 'calls'}`,
      streams ? `${stillOpen} still open` : `${well}`,
      codesOf(calls),
      range(cut.map(({ call, connection }) => endedMs(call) - connection.readyMs)),
      wentOn.length === 0 ? '–' : `up to ${formatDuration(Math.max(...wentOn))}`,
      `${made} made, ${openAtEnd} open at the end`,
    ];
  }),
});

const seconds = (ms: number): number => Math.round(ms / 10) / 100;

/** Where the grace cuts, calls are the shorter the older their connection was: a line that falls. */
export const agePlot = (history: History, arms: readonly Arm[]): Plot => ({
  title: 'How long calls lasted, by the age of their connection when they began',
  x: { label: 'age of the connection (s)' },
  y: { label: 'call lasted (s)' },
  series: arms
    .filter(({ calls }) => calls !== 'streams')
    .map(({ name }) => ({
      name,
      points: callsOnConnections(history, name)
        .map(({ call, connection }): [number, number] => [
          seconds(Math.max(0, startedMs(call) - connection.readyMs)),
          seconds(endedMs(call) - startedMs(call)),
        ])
        .sort(([a], [b]) => a - b),
    })),
});
