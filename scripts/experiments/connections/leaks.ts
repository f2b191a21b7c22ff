// A channel per call: what is left of it when it is closed, when it is not, and when it shares.
import {
  connectionsChurn,
  connectionsGrow,
  oneConnection,
  portsExhausted,
  TIME_WAIT_MS,
} from '../../checks/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { callsOf, connectionsRead, failuresOf, type History } from '../../history/index.ts';
import type { ResultTable } from '../../report/index.ts';
import { type Aspect, armOf, noneFailed, warmMs } from './aspect.ts';
import { leakingMs, type Parameters } from './parameters.ts';

const CONTROL = 'default-pool';
const OWN_POOL = 'leak-own-pool';
const TLS = 'leak-tls';
const CHURN = 'churn';
const FEW_PORTS = 'few-ports';

/** Linux's own: net.ipv4.ip_local_port_range. */
const LINUX_PORTS: [number, number] = [32_768, 60_999];
const FIRST_OF_FEW = 50_000;

/** @param ownPorts whether a pod's ports can be limited, which takes a network namespace of its own. */
export function leaks(parameters: Parameters, ownPorts: boolean): Aspect {
  const { leakRatePerSecond: ratePerSecond, ports, closeChannels, sharedPool, deadlineMs } = parameters;
  const perCall = { channelPer: 'call', ratePerSecond, deadlineMs } as const;
  const leaking = {
    ...perCall,
    closeChannels,
    subchannelPool: sharedPool ? 'shared' : 'own',
  } as const;
  const arms = [
    armOf(OWN_POOL, leaking),
    // Credentials that are made each time are never shared: that it is the default pool makes no difference.
    armOf(TLS, { ...leaking, subchannelPool: 'shared' }, { serverTls: true }),
    armOf(CHURN, { ...perCall, closeChannels: true, subchannelPool: 'own' }),
    ...(ownPorts
      ? [
          armOf(FEW_PORTS, leaking, {
            clientSysctls: {
              'net.ipv4.ip_local_port_range': `${FIRST_OF_FEW} ${FIRST_OF_FEW + ports - 1}`,
            },
          }),
        ]
      : []),
    armOf(CONTROL, { ...perCall, closeChannels: false }),
  ];
  const names = arms.map(({ plan }) => plan.name);
  return {
    arms,
    prediction: predictionOf(parameters, ownPorts),
    treatment: names.filter((name) => name !== CONTROL),
    control: CONTROL,
    claims: (history) => [
      ...[OWN_POOL, TLS].flatMap((arm) => [connectionsGrow(history, { arm }), noneFailed(history, arm)]),
      connectionsChurn(history, { arm: CHURN }),
      noneFailed(history, CHURN),
      ...(ownPorts
        ? [portsExhausted(history, { arm: FEW_PORTS, ports, ratePerSecond, warmMs: warmMs(history) })]
        : []),
      oneConnection(history, { arm: CONTROL }),
      noneFailed(history, CONTROL),
    ],
    tables: (history) => [
      openTable(history, names),
      portTable(history, names, parameters),
      memoryTable(history, [OWN_POOL, TLS]),
    ],
  };
}

function predictionOf(parameters: Parameters, ownPorts: boolean): string[] {
  const { leakRatePerSecond: rate, ports, closeChannels, sharedPool } = parameters;
  const all = LINUX_PORTS[1] - LINUX_PORTS[0] + 1;
  const channels = Math.round((rate * leakingMs(parameters)) / 1000);
  const minuteMs = TIME_WAIT_MS / 1000;
  const leak = closeChannels
    ? 'nothing, as the channels are closed: this fails.'
    : `a connection for each call, ${channels} in the end; the ${all.toLocaleString('en-US')} ports that Linux has ` +
      `would last ${formatDuration((all * 1000) / rate)} at ${rate} calls a second to one address.`;
  return [
    `${CONTROL} (control): a channel per call, ${rate} a second, left open: ${channels} channels in the end share one ` +
      'connection.',
    `${OWN_POOL}: a pool for each channel: ${sharedPool && !closeChannels ? 'one connection, as the pool is shared: this fails.' : leak}`,
    `${TLS}: the default pool, TLS credentials made each time: ${closeChannels ? leak : 'the same.'}`,
    `${CHURN}: each channel is closed with its call: none stays open. Each is in TIME_WAIT for ${minuteMs} s on the side ` +
      `that closed first: ${rate * minuteMs} in a minute; ports run out above ${Math.floor(all / minuteMs)} calls a second.`,
    ownPorts
      ? `${FEW_PORTS}: as ${OWN_POOL}, with ${ports} ports (net.ipv4.ip_local_port_range of the pod): gone after ` +
        `${formatDuration((ports * 1000) / rate)}; then calls fail, UNAVAILABLE with EADDRNOTAVAIL.`
      : `No arm with few ports here: pods share the machine's, it takes containers (--provider kind).`,
  ];
}

/** Each arm's last reading. */
function openTable(history: History, arms: readonly string[]): ResultTable {
  return {
    title: 'A channel per call: what is open in the end',
    columns: ['', 'calls', 'failed', 'channels', 'connections', 'at the server'],
    rows: arms.map((arm) => {
      const calls = callsOf(history, arm);
      const failed = failuresOf(calls).reduce((sum, { count }) => sum + count, 0);
      const last = connectionsRead(history, arm).at(-1);
      const { channelz, open, openAtServers } = last ?? {};
      const seen = [channelz?.channels, open, openAtServers].map((value) => `${value ?? '–'}`);
      return [arm, `${calls.length}`, `${failed}`, ...seen];
    }),
  };
}

/** How long the ports that are left would last. */
function portTable(history: History, arms: readonly string[], parameters: Parameters): ResultTable {
  return {
    title: "A channel per call: the client's ports in the end",
    columns: ['', 'open', 'TIME_WAIT', 'at servers', 'left', 'last at this rate'],
    rows: arms.map((arm) => {
      const last = connectionsRead(history, arm).at(-1);
      if (last?.portsLeft === undefined) return [arm, '–', '–', '–', '–', '–'];
      const { open, timeWait, timeWaitAtServers, portsLeft } = last;
      const seen = [`${open}`, `${timeWait}`, `${timeWaitAtServers}`, portsLeft.toLocaleString('en-US')];
      if (portsLeft === 0) return [arm, ...seen, 'gone'];
      // Those in TIME_WAIT come back.
      const lastMs = (portsLeft * 1000) / parameters.leakRatePerSecond;
      return [arm, ...seen, open <= 1 ? 'for ever' : formatDuration(lastMs)];
    }),
  };
}

/** What an open connection that nobody calls on takes at each end, beside the control, which made as many calls. */
function memoryTable(history: History, arms: readonly string[]): ResultTable {
  const control = connectionsRead(history, CONTROL).at(-1);
  const kb = (bytes = Number.NaN) => (Number.isFinite(bytes) ? `${Math.round(bytes / 1000)} kB` : '–');
  return {
    title: `A channel per call: resident memory of a connection without calls, more than ${CONTROL} took`,
    columns: ['', 'connections', 'at the client', 'at the server'],
    rows: arms.map((arm) => {
      const last = connectionsRead(history, arm).at(-1);
      if (!last || !control) return [arm, '–', '–', '–'];
      const more = last.open - control.open;
      const each = (end: 'clients' | 'servers') =>
        kb(((last.residentBytes?.[end] ?? Number.NaN) - (control.residentBytes?.[end] ?? Number.NaN)) / more);
      return [arm, `${last.open}`, each('clients'), each('servers')];
    }),
  };
}
