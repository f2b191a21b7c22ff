// The connections experiment: its prediction, the runs that it refuses, and its judgement of simulated histories.
import { integer, property, record } from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { CAPABILITIES, type Capability } from '../../scripts/cluster/index.ts';
import connections from '../../scripts/experiments/connections/index.ts';
import type { Judged } from '../../scripts/experiments/experiment.ts';
import type { Call, Counters, HistoryEvent, SocketsSeen } from '../../scripts/history/index.ts';
import { call, clock, counters, mark, podSeen, workloadEnd } from '../support/history.ts';
import { planOf, refusalOf, widthOf } from '../support/plan.ts';
import { holds } from '../support/property.ts';

const WITHOUT_CONTAINERS = new Set<Capability>([...CAPABILITIES].filter((name) => name !== 'containers'));

describe('the prediction', () => {
  it('reads well', () => {
    expect(planOf(connections, '').prediction).toMatchInlineSnapshot(`
      "By client:
      default-pool (control): a channel per call, 5 a second, left open: 215
        channels in the end share one connection.
      leak-own-pool: a pool for each channel: a connection for each call, 215 in the
        end; the 28,232 ports that Linux has would last 94m06s at 5 calls a second to
        one address.
      leak-tls: the default pool, TLS credentials made each time: the same.
      churn: each channel is closed with its call: none stays open. Each is in
        TIME_WAIT for 60 s on the side that closed first: 300 in a minute; ports run
        out above 470 calls a second.
      few-ports: as leak-own-pool, with 100 ports (net.ipv4.ip_local_port_range of
        the pod): gone after 20.0s; then calls fail, UNAVAILABLE with EADDRNOTAVAIL.
      stream-queue: 50 calls/s × 500ms are 25 open calls (Little's law). 10 streams
        give 20.0 answers/s; the rest queues: calls of the last quarter of 6.0s take
        8.4s.
      more-channels, more-by-kit: 5 connections to the same server have 50 streams:
        calls take 500ms. So they do on one connection without a limit (no-limit, the
        control).
      idle-timeout: 2.0s to 12.0s after the last call its connection is closed: the
        channel lets go of it after the time-out, and the pool looks for such every
        10.0s. idle-default (control) keeps it: 30m00s is the default.
      One of 2 servers stands still for 8.0s, its connections open. no-keepalive
        (control): 1 of 2 calls is lost (DEADLINE_EXCEEDED) for 5.5s to 8.0s: all but
        the last 2.0s, a deadline, of it.
      keepalive: the same for 500ms to 4.0s: up to 2.0s until the next ping, 1.0s
        for its answer. Then calls under way fail with UNAVAILABLE, and the other
        server gets all."
    `);
  });

  it('says which option breaks what', () => {
    const { prediction } = planOf(
      connections,
      '--close-channels --max-streams off --idle-timeout off --keepalive off',
    );
    expect(prediction.replaceAll(/\s+/g, ' ').match(/this fails/g)).toHaveLength(5);
    expect(planOf(connections, '--only leaks --shared-pool').prediction).toContain('this fails');
  });

  test('property: it fits into 80 columns', () => {
    const any = record({
      leak: integer({ min: 1, max: 12 }),
      ports: integer({ min: 20, max: 200 }),
      rate: integer({ min: 30, max: 50 }),
      streams: integer({ min: 10, max: 11 }),
      idle: integer({ min: 1000, max: 60_000 }),
    });
    holds(
      property(any, ({ leak, ports, rate, streams, idle }) => {
        const line =
          `--leak-rate ${leak} --ports ${ports} --rate ${rate} --max-streams ${streams} ` +
          `--idle-timeout ${idle}ms`;
        expect(widthOf(planOf(connections, line).prediction)).toBeLessThanOrEqual(80);
      }),
    );
  });
});

describe('options', () => {
  it.each([
    ['--only sockets', 'Name some of leaks, streams, idle, frozen, as leaks,idle.'],
    ['--only ,', 'Name some of'],
    ['--leak-rate 0', 'It must be a whole number from 1 to 1000.'],
    ['--leak-rate 100', 'would leak 4300 connections in 43.0s The lab counts up to 1500'],
    ['--ports 10', 'It must be a whole number from 20 to 10000.'],
    ['--max-streams 20', 'are 25 calls that are open: no queue to see with --max-streams 20 Make them 26'],
    ['--latency 100ms', 'no queue to see with --max-streams 10'],
    ['--connections 2', 'they would queue on 2 connections, too Make it --connections 3 or more.'],
    ['--rate 20 --latency 1s --load 3s', '--rate 20 for --load 3.0s is too little to tell a queue'],
    ['--idle-timeout 500ms', '--idle-timeout 500ms is too short grpc-js takes 1s for less.'],
    ['--only idle --idle-timeout 30m', 'closes nothing before the default does'],
    ['--idle-timeout never', '"never" is not a duration'],
    ['--keepalive-timeout 500ms', '--keepalive-timeout 500ms is too short'],
    ['--freeze 5s', '--freeze 5.0s is over before it is told whether keepalive notices it It takes 7.0s'],
    ['--keepalive 5s', '--freeze 8.0s is over before it is told'],
  ])('%s is refused', (line, said) => {
    expect(refusalOf(connections, line)).toContain(said);
  });

  it('that are of no aspect that is asked for are not looked at', () => {
    expect(planOf(connections, '--only idle --max-streams 20 --freeze 1s').arms).toHaveLength(2);
  });

  it('have defaults: few pods, and a run of less than a minute', () => {
    const { arms, parameters } = planOf(connections, '');
    expect(arms.reduce((sum, { servers, clients }) => sum + servers + clients, 0)).toBeLessThanOrEqual(25);
    const { loadMs, quietMs, freezeMs, thawedMs } = parameters as Record<string, number>;
    expect((loadMs ?? 0) + (quietMs ?? 0) + (freezeMs ?? 0) + (thawedMs ?? 0)).toBeLessThan(60_000);
  });

  it('leave the arm with few ports out where pods have no ports of their own, and say so', () => {
    const names = (capabilities: ReadonlySet<Capability>) =>
      planOf(connections, '--only leaks', capabilities).arms.map(({ name }) => name);
    expect(names(CAPABILITIES)).toContain('few-ports');
    expect(names(WITHOUT_CONTAINERS)).not.toContain('few-ports');
    expect(planOf(connections, '', WITHOUT_CONTAINERS).prediction).toContain('No arm with few ports');
  });

  it('make the arms: probes that are no gRPC connections, TLS, few ports, shared servers', () => {
    const { arms } = planOf(connections, '');
    const named = new Map(arms.map((arm) => [arm.name, arm]));
    expect(arms.every(({ serverProbes }) => serverProbes?.startupProbe?.tcpSocket !== undefined)).toBe(true);
    expect(named.get('leak-tls')).toMatchObject({ serverTls: true });
    expect(named.get('few-ports')?.clientSysctls).toEqual({ 'net.ipv4.ip_local_port_range': '50000 50099' });
    expect(named.get('more-by-kit')).toMatchObject({ servers: 0, serversOf: 'stream-queue' });
    expect(named.get('stream-queue')?.serverEnv).toMatchObject({ GRPC_MAX_CONCURRENT_STREAMS: '10' });
    expect(
      planOf(connections, '--max-streams off').arms.map(({ serverEnv }) => serverEnv),
    ).not.toContainEqual(expect.objectContaining({ GRPC_MAX_CONCURRENT_STREAMS: expect.anything() }));
    expect(named.get('keepalive')).toMatchObject({ servers: 2, serverProbes: { readinessProbe: null } });
  });
});

const UNTIL_MS = 40_000;

/** An arm whose client has made calls, all of which are told and counted. */
function armOf(arm: string, calls: Call[], more: HistoryEvent[] = [], servers = arm): HistoryEvent[] {
  const client = `client-${arm}`;
  const server = `server-${servers}`;
  const made = calls.map(
    (each): Call => ({
      ...each,
      arm,
      source: client,
      ...(each.code === 'OK' ? { pod: server, previousAttempts: 0 } : {}),
    }),
  );
  const answered = made.filter(({ code }) => code === 'OK').length;
  return [
    clock(client),
    podSeen(client, 0, { arm, app: 'greeter-client' }),
    ...made,
    workloadEnd(client, UNTIL_MS, made.length, {}, arm),
    { ...counters(server, UNTIL_MS, { [client]: [answered] }, true, arm), arm: servers },
    ...more,
  ];
}

const serverOf = (arm: string): HistoryEvent[] => [
  podSeen(`server-${arm}`, 0, { arm }),
  clock(`server-${arm}`),
];

/** From 0 on. */
const every = (ms: number, untilMs: number, tamper: (made: Call) => Call = (made) => made): Call[] =>
  Array.from({ length: untilMs / ms }, (_, seq) => tamper(call(seq, seq * ms)));

const inOrder = (...events: HistoryEvent[][]) =>
  [mark('load', 0), mark('end', UNTIL_MS - 1), ...events.flat()].sort((a, b) => a.atMs - b.atMs);
const verdictsOf = ({ findings }: Judged, verdict: string) =>
  findings.filter((each) => each.verdict === verdict).map(({ arm, check }) => `${arm} ${check}`);

type Ends = { open: number; timeWait?: number; channels?: number };
const MB = 1_000_000;

function sockets(arm: string, atMs: number, { open, timeWait = 0, channels = open }: Ends): SocketsSeen[] {
  const connectionsOf = (make: (port: number) => { localPort: number; remotePort: number }) =>
    Array.from({ length: open + timeWait }, (_, index) => ({
      ...make(33_000 + index),
      remoteAddress: '10.0.0.1',
      state: index < open ? 'ESTABLISHED' : 'TIME_WAIT',
    }));
  const seen = { type: 'sockets', arm, atMs, states: {}, portRange: [32_768, 60_999] } as const;
  return [
    {
      ...seen,
      portRange: [32_768, 60_999],
      app: 'greeter-client',
      source: `client-${arm}`,
      connections: connectionsOf((port) => ({ localPort: port, remotePort: 50_051 })),
      channelz: { channels, connections: open },
      residentBytes: 50 * MB + open * 40_000,
    },
    {
      ...seen,
      portRange: [32_768, 60_999],
      app: 'greeter-server',
      source: `server-${arm}`,
      connections: connectionsOf((port) => ({ localPort: 50_051, remotePort: port })),
      residentBytes: 60 * MB + open * 70_000,
    },
  ];
}

describe('leaks', () => {
  const AS_PREDICTED: Record<string, (made: number) => Ends> = {
    'leak-own-pool': (made) => ({ open: made }),
    'leak-tls': (made) => ({ open: made }),
    churn: (made) => ({ open: 0, timeWait: made }),
    'few-ports': (made) => ({ open: Math.min(made, 100) }),
    'default-pool': (made) => ({ open: 1, channels: made }),
  };
  const outOfPorts = (made: Call): Call =>
    made.seq < 100 ? made : { ...made, code: 'UNAVAILABLE', message: 'connect EADDRNOTAVAIL' };
  const judge = (changed: Partial<typeof AS_PREDICTED> = {}, fewPorts = outOfPorts) =>
    planOf(connections, '--only leaks').judge(
      inOrder(
        ...Object.entries({ ...AS_PREDICTED, ...changed }).map(([arm, ends]) => [
          ...serverOf(arm),
          ...armOf(
            arm,
            every(200, 30_000, arm === 'few-ports' ? fewPorts : undefined),
            [1, 29].flatMap((s) => sockets(arm, s * 1000, ends?.(s * 5) ?? { open: 0 })),
          ),
        ]),
      ),
    );

  it('pass as predicted, and show what is left', () => {
    const judged = judge();
    expect(judged.judgement.verdict, judged.judgement.reasons.join('\n')).toBe('pass');
    const [open, ports, memory] = judged.tables ?? [];
    expect(open?.rows).toEqual([
      ['leak-own-pool', '150', '0', '145', '145', '145'],
      ['leak-tls', '150', '0', '145', '145', '145'],
      ['churn', '150', '0', '0', '0', '0'],
      ['few-ports', '150', '50', '100', '100', '100'],
      ['default-pool', '150', '0', '145', '1', '1'],
    ]);
    expect(ports?.rows.slice(0, 3)).toEqual([
      ['leak-own-pool', '145', '0', '0', '28,087', '93m37s'],
      ['leak-tls', '145', '0', '0', '28,087', '93m37s'],
      ['churn', '0', '145', '145', '28,087', 'for ever'],
    ]);
    expect(memory?.rows).toEqual([
      ['leak-own-pool', '145', '40 kB', '70 kB'],
      ['leak-tls', '145', '40 kB', '70 kB'],
    ]);
  });

  it('fail where there is no leak, or ports last', () => {
    const shared = judge({ 'leak-own-pool': () => ({ open: 1 }) });
    expect(verdictsOf(shared, 'fail')).toEqual(['leak-own-pool connections-grow']);
    expect(shared.judgement).toMatchObject({ verdict: 'fail' });
    expect(
      verdictsOf(
        judge({}, (made) => made),
        'fail',
      ),
    ).toEqual(['few-ports ports-exhausted']);
    expect(verdictsOf(judge({ churn: (made) => ({ open: made }) }), 'fail')).toEqual([
      'churn connections-churn',
    ]);
  });

  it('cannot tell where the default pool leaks, too', () => {
    const { judgement } = judge({ 'default-pool': (made) => ({ open: made }) });
    expect(judgement.verdict).toBe('unknown');
    expect(judgement.reasons.join()).toContain('the control did not behave as expected');
  });
});

describe('streams', () => {
  /** Calls at 50/s for 8 s, of which so many at a time are served. */
  function load(streams: number): Call[] {
    const ends: number[] = [];
    return every(20, 8000, (made) => {
      const startMs = Math.max(made.atMs, ends[made.seq - streams] ?? 0);
      ends.push(startMs + 500);
      return { ...made, latencyMs: startMs + 500 - made.atMs };
    });
  }
  const judge = (streams: Record<string, number> = {}) =>
    planOf(connections, '--only streams').judge(
      inOrder(
        ['stream-queue', 'no-limit'].flatMap(serverOf),
        ['more-channels', 'more-by-kit'].map(
          (arm): HistoryEvent => ({
            type: 'shared-servers',
            arm,
            serversOf: 'stream-queue',
            atMs: 0,
            source: 'driver',
          }),
        ),
        ...Object.entries({
          'stream-queue': 10,
          'more-channels': 30,
          'more-by-kit': 30,
          'no-limit': 400,
          ...streams,
        }).map(([arm, most]) =>
          armOf(arm, load(most), [], arm === 'no-limit' ? arm : 'stream-queue').filter(
            ({ type }) => type !== 'counters',
          ),
        ),
        [
          counted('stream-queue', ['stream-queue', 'more-channels', 'more-by-kit']),
          counted('no-limit', ['no-limit']),
        ],
      ),
    );
  /** Of the calls of several arms. */
  const counted = (server: string, arms: string[]): Counters => ({
    ...counters(`server-${server}`, UNTIL_MS, {}, true, server),
    clients: Object.fromEntries(
      arms.map((arm) => [`${arm}@client-${arm}`, { startedByPreviousAttempts: [400], ok: 400, failed: 0 }]),
    ),
  });

  it('pass as predicted, and show what waits', () => {
    const judged = judge();
    expect(judged.judgement.verdict, judged.judgement.reasons.join('\n')).toBe('pass');
    expect(judged.tables?.[0]?.rows.map((row) => row.slice(0, 3))).toEqual([
      ['stream-queue', '50', '20.4'],
      ['more-channels', '50', '50.0'],
      ['more-by-kit', '50', '50.0'],
      ['no-limit', '50', '50.0'],
    ]);
  });

  it('fail where nothing queues, or where connections are not enough', () => {
    expect(verdictsOf(judge({ 'stream-queue': 400 }), 'fail')).toEqual(['stream-queue calls-queue']);
    expect(verdictsOf(judge({ 'more-by-kit': 10 }), 'fail')).toEqual(['more-by-kit no-queue']);
    expect(judge({ 'no-limit': 10 }).judgement.verdict).toBe('unknown');
  });
});

describe('idle', () => {
  const told = (arm: string, atMs: number, open: number): Counters => ({
    ...counters(`server-${arm}`, atMs, {}, false, arm),
    connections: { open, opened: 1, greeted: 0 },
  });
  const judge = (closed: Record<string, boolean> = {}) =>
    planOf(connections, '--only idle').judge(
      inOrder(
        ...Object.entries({ 'idle-timeout': true, 'idle-default': false, ...closed }).map(([arm, closes]) => [
          ...serverOf(arm),
          ...armOf(arm, every(100, 8000), [told(arm, 4000, 1), told(arm, 18_000, closes ? 0 : 1)]),
          told(arm, 25_000, closes ? 0 : 1),
        ]),
      ),
    );

  it('pass as predicted, and show when it was closed', () => {
    const judged = judge();
    expect(judged.judgement.verdict, judged.judgement.reasons.join('\n')).toBe('pass');
    expect(judged.tables?.[0]?.rows).toEqual([
      ['idle-timeout', 'after 10.1s', '0', '2.0s to 12.0s'],
      ['idle-default', 'not in 17.1s', '1', 'after 30m00s'],
    ]);
  });

  it('cannot tell where something is missing', () => {
    const history = inOrder(
      ...['idle-timeout', 'idle-default'].map((arm) => [
        ...serverOf(arm),
        ...armOf(arm, every(100, 8000), [told(arm, 4000, 1), told(arm, 35_000, 1)]).filter(
          (event) => arm === 'idle-default' || event.type !== 'workload-end',
        ),
      ]),
    );
    const judged = planOf(connections, '--only idle').judge(history);
    expect(judged.judgement.verdict).toBe('unknown');
    expect(judged.findings.find(({ check }) => check === 'idle-closed')?.message).toContain(
      'not judged, see history-complete (it looked like fail: 1 connection still open',
    );
  });

  it('fail where the connection stays, cannot tell where both are closed', () => {
    expect(verdictsOf(judge({ 'idle-timeout': false }), 'fail')).toEqual(['idle-timeout idle-closed']);
    expect(judge({ 'idle-default': true }).judgement.verdict).toBe('unknown');
  });
});

const FROZEN_MS = 20_000;
/** Every second call is lost for so long. */
const blackHole = (forMs: number) =>
  every(50, 35_000, (made) =>
    made.seq % 2 === 0 && made.atMs >= FROZEN_MS && made.atMs <= FROZEN_MS + forMs
      ? { ...made, code: 'DEADLINE_EXCEEDED', message: 'Deadline exceeded' }
      : made,
  );
const frozenWith = (forMs: { keepalive: number; 'no-keepalive': number }): HistoryEvent[] => [
  ...serverOf('keepalive'),
  { type: 'shared-servers', arm: 'no-keepalive', serversOf: 'keepalive', atMs: 0, source: 'driver' },
  {
    type: 'fault',
    source: 'driver',
    atMs: FROZEN_MS,
    arm: 'keepalive',
    fault: 'freeze',
    phase: 'inject-asked',
    detail: '',
  },
  mark('frozen', FROZEN_MS),
  ...armOf('keepalive', blackHole(forMs.keepalive)).filter(({ type }) => type !== 'counters'),
  ...armOf('no-keepalive', blackHole(forMs['no-keepalive']), [], 'keepalive').filter(
    ({ type }) => type !== 'counters',
  ),
  {
    ...counters('server-keepalive', UNTIL_MS, {}, true, 'keepalive'),
    clients: Object.fromEntries(
      Object.entries(forMs).map(([arm, ms]) => {
        const answered = blackHole(ms).filter(({ code }) => code === 'OK').length;
        return [`${arm}@client-${arm}`, { startedByPreviousAttempts: [answered], ok: answered, failed: 0 }];
      }),
    ),
  },
];

describe('frozen', () => {
  const judge = (forMs: Parameters<typeof frozenWith>[0], line = '--freeze 10s --only frozen') =>
    planOf(connections, line).judge(inOrder(frozenWith(forMs)));

  it('pass as predicted, and show for how long calls were lost', () => {
    const judged = judge({ keepalive: 2000, 'no-keepalive': 8000 });
    expect(judged.judgement.verdict, judged.judgement.reasons.join('\n')).toBe('pass');
    expect(judged.tables?.[0]?.rows).toEqual([
      ['keepalive', '21 of 41', 'DEADLINE_EXCEEDED', '2.0s', '500ms to 4.0s'],
      ['no-keepalive', '81 of 161', 'DEADLINE_EXCEEDED', '8.0s', '7.5s to 10.0s'],
    ]);
  });

  it('fail where keepalive does not notice, cannot tell where nothing had to be noticed', () => {
    const never = judge({ keepalive: 8000, 'no-keepalive': 8000 });
    expect(verdictsOf(never, 'fail')).toEqual(['keepalive black-hole']);
    expect(judge({ keepalive: 2000, 'no-keepalive': 2000 }).judgement.verdict).toBe('unknown');
    const lasting = judge({ keepalive: 13_000, 'no-keepalive': 8000 });
    expect(verdictsOf(lasting, 'fail')).toContain('keepalive no-failed-call');
  });

  it('is as good as the worst of all aspects, by its reasons', () => {
    const both = judge({ keepalive: 2000, 'no-keepalive': 8000 }, '--freeze 10s --only idle,frozen');
    expect(both.judgement.verdict).toBe('unknown');
    const failed = judge({ keepalive: 8000, 'no-keepalive': 8000 }, '--freeze 10s --only idle,frozen');
    expect(failed.judgement.verdict).toBe('fail');
    expect(failed.judgement.reasons).toEqual([expect.stringContaining('calls were lost for 8.0s')]);
  });
});
