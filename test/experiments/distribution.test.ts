// The distribution experiment: its settings, the runs that it refuses, and its judgement of hand-written histories.
import { constantFrom, integer, property, record } from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { ANSWERS } from '../../scripts/checks/index.ts';
import distribution from '../../scripts/experiments/distribution/index.ts';
import { CONTROL, settingsOf } from '../../scripts/experiments/distribution/settings.ts';
import type { Judged } from '../../scripts/experiments/experiment.ts';
import { CLIENT_APP, type HistoryEvent } from '../../scripts/history/index.ts';
import { call, clock, counters, mark, podSeen, unanswered, workloadEnd } from '../support/history.ts';
import { planOf, refusalOf, widthOf } from '../support/plan.ts';
import { holds } from '../support/property.ts';

const parameters = planOf(distribution, '').parameters as Parameters<typeof settingsOf>[0];
const settings = settingsOf(parameters);

describe('the settings', () => {
  it('are eight, one channel each or several, with the connections that each should have', () => {
    expect(settings.map(({ name, spread, connections }) => [name, spread, connections])).toEqual([
      ['clusterip-pick-first', 'by-chance', 1],
      ['clusterip-round-robin', 'by-chance', 1],
      ['headless-pick-first', 'as-resolved', 1],
      ['headless-round-robin', 'in-turn', 5],
      ['clusterip-pick-first-x25', 'by-chance', 25],
      ['clusterip-round-robin-x25', 'by-chance', 25],
      ['headless-pick-first-x25', 'as-resolved', 25],
      ['headless-round-robin-x25', 'in-turn', 125],
    ]);
    expect(settings[6]?.client).toEqual({
      target: 'dns:///greeter-headless-servers:50051',
      policy: 'pick_first',
      channels: 25,
      subchannelPool: 'own',
    });
  });

  it('call the servers of one arm', () => {
    const { arms } = planOf(distribution, '--max-connection-age 5s');
    expect(arms).toHaveLength(9);
    expect(arms[0]).toMatchObject({ name: 'servers', servers: 5, clients: 0 });
    expect(arms[0]?.serverEnv).toEqual({ GRPC_MAX_CONNECTION_AGE_MS: '5000' });
    expect(arms.slice(1).every(({ serversOf, servers }) => serversOf === 'servers' && servers === 0)).toBe(
      true,
    );
  });
});

describe('the prediction', () => {
  it('says what breaks the claim', () => {
    expect(planOf(distribution, '').prediction).not.toMatch(/the claim fails/);
    expect(planOf(distribution, '--subchannel-pool shared').prediction).toMatch(/shared .*the claim fails/s);
    expect(planOf(distribution, '--max-connection-age 5s').prediction).toMatch(/renewed.*the claim\s+fails/s);
  });

  test('property: it fits into 80 columns', () => {
    const any = record({
      servers: integer({ min: 2, max: 10 }),
      channels: integer({ min: 50, max: 100 }),
      pool: constantFrom('own', 'shared'),
    });
    const fits = property(any, ({ servers, channels, pool }) => {
      const line = `--servers ${servers} --channels ${channels} --subchannel-pool ${pool} --window 10m`;
      expect(widthOf(planOf(distribution, line).prediction)).toBeLessThanOrEqual(80);
    });
    holds(fits);
  });
});

test('runs that could show nothing are refused', () => {
  expect(refusalOf(distribution, '--channels 24')).toBe(
    '--channels 24 are too few to tell a random spread over 5 pods from another ' +
      'It takes 5 per pod: --channels 25 or more, or fewer --servers.',
  );
  expect(refusalOf(distribution, '--window 10s')).toBe(
    'in --window 10.0s at --rate 50 each of 25 channels makes too few calls ' +
      'It takes 5 per pod and channel: --window 12.5s or more, or a higher --rate.',
  );
  expect(refusalOf(distribution, '--servers 6')).toMatch(/--channels 30 or more/);
  planOf(distribution, '--servers 3 --channels 15 --window 5s');
});

const BEGIN_MS = 1000;
const END_MS = 16_000;
const SERVER_PODS = Array.from({ length: 5 }, (_, index) => `server-${index + 1}`);
const ipOf = (index: number) => `10.0.0.${index}`;

/** Which server each call of an arm goes to, by its channel and how many calls that channel had made. */
type Way = (channel: number, turn: number) => number;
const ONE: Way = () => 2;
const IN_TURN: Way = (channel, turn) => (channel + turn) % SERVER_PODS.length;
const PER_CHANNEL: Way = (channel) => channel % SERVER_PODS.length;

/** As it should be, unless an arm goes another way. */
function history(ways: Record<string, Way> = {}, connections: Record<string, number> = {}): HistoryEvent[] {
  const arms = settings.flatMap((setting): HistoryEvent[] => {
    const { name: arm, channels, spread, dialled } = setting;
    const way = ways[arm] ?? (spread === 'in-turn' ? IN_TURN : channels === 1 ? ONE : PER_CHANNEL);
    const source = `client-${arm}`;
    const calls = Array.from({ length: 800 }, (_, seq) => {
      const server = way(seq % channels, Math.floor(seq / channels));
      const made = call(seq, seq * 20, { arm, source });
      return {
        ...made,
        pod: SERVER_PODS[server] ?? 'nobody',
        peer: `${ipOf(server)}:50051`,
        previousAttempts: 0,
      };
    });
    const open = connections[arm] ?? setting.connections;
    const remote = (index: number) =>
      dialled.to === 'pods' ? ipOf(index % SERVER_PODS.length) : '10.96.0.1';
    const probes = Array.from({ length: ANSWERS }, (_, index): HistoryEvent => {
      const records = SERVER_PODS.map((_pod, of) => ipOf((index + of) % SERVER_PODS.length));
      const name = 'greeter-headless-servers';
      return { type: 'dns-probe', source, arm, atMs: 900, name, asked: 'lookup', records, tookMs: 1 };
    });
    return [
      { type: 'shared-servers', source: 'driver', atMs: 0, arm, serversOf: 'servers' },
      clock(source),
      podSeen(source, 0, { arm, app: CLIENT_APP }),
      ...(spread === 'as-resolved' ? probes : []),
      ...calls,
      {
        type: 'sockets',
        source,
        arm,
        app: CLIENT_APP,
        atMs: END_MS - 1,
        states: {},
        portRange: null,
        connections: Array.from({ length: open }, (_, index) => ({
          localPort: 40_000 + index,
          remoteAddress: remote(index),
          remotePort: 50051,
          state: 'ESTABLISHED',
        })),
      },
      workloadEnd(source, END_MS, 800, {}, arm),
    ];
  });
  const calls = arms.filter((event) => event.type === 'call');
  const servers = SERVER_PODS.flatMap((pod, index): HistoryEvent[] => {
    const counts = settings.map(({ name: arm }) => {
      const answered = calls.filter((made) => made.arm === arm && made.pod === pod).length;
      return counters(pod, END_MS, { [`client-${arm}`]: [answered] }, true, arm);
    });
    const clients = Object.assign({}, ...counts.map((each) => each.clients)) as object;
    return [
      podSeen(pod, 0, { arm: 'servers', ip: ipOf(index) }),
      { ...(counts[0] as (typeof counts)[0]), arm: 'servers', clients: { ...clients } },
    ];
  });
  return [...arms, ...servers, mark('baseline', BEGIN_MS), mark('end', END_MS)].sort(
    (a, b) => a.atMs - b.atMs,
  );
}

const judge = (events: HistoryEvent[]): Judged => planOf(distribution, '').judge(events);

describe('the judgement', () => {
  it('passes when every setting does as it should', () => {
    const { judgement, tables, findings } = judge(history());
    expect(findings.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
    expect(judgement.verdict, judgement.reasons.join('\n')).toBe('pass');
    const [table] = tables ?? [];
    expect(table?.rows).toHaveLength(9);
    expect(table?.rows[0]).toEqual(['clusterip-pick-first', '0%', '0%', '100%', '0%', '0%', '1']);
    expect(table?.rows[7]).toEqual(['  its DNS answers begin with', '20%', '20%', '20%', '20%', '20%', '']);
    expect(table?.rows[3]).toEqual(['headless-round-robin', '20%', '20%', '20%', '20%', '20%', '5']);
    expect(table?.heat?.values.map((row) => row.length)).toEqual(Array(9).fill(6));
  });

  it('fails when policies are swapped', () => {
    const swapped = history({ 'headless-pick-first': IN_TURN }, { 'headless-pick-first': 5 });
    expect(judge(swapped).judgement).toMatchObject({
      verdict: 'fail',
      reasons: [
        'headless-pick-first: 1 channel of 1 were answered by several pods: channel 1 5',
        'headless-pick-first: expected 1 connection of each client to pods: client-headless-pick-first had 5',
      ],
    });
  });

  it('fails when one pod gets more than chance would give it, or less than its turn', () => {
    const hot: Way = (channel) => (channel < 21 ? 0 : channel % SERVER_PODS.length);
    for (const arm of ['clusterip-round-robin-x25', 'headless-pick-first-x25']) {
      expect(judge(history({ [arm]: hot })).judgement.verdict).toBe('fail');
    }
    const left: Way = (_channel, turn) => turn % 4;
    expect(judge(history({ 'headless-round-robin-x25': left })).judgement).toMatchObject({
      verdict: 'fail',
      reasons: [expect.stringMatching(/server-5 had 0 of the 30 calls of channel \d+, an even share is 6/)],
    });
  });

  it('cannot tell when the control does not show that even is possible', () => {
    const { verdict, reasons } = judge(history({ 'headless-round-robin': ONE })).judgement;
    expect(verdict).toBe('unknown');
    expect(reasons[0]).toMatch(/^the control did not behave as expected: headless-round-robin: /);
  });

  it('cannot tell when a server was not Ready, or a client was starved', () => {
    const flapped = [...history(), podSeen('server-1', 5000, { arm: 'servers', ready: false })].sort(
      (a, b) => a.atMs - b.atMs,
    );
    expect(judge(flapped).judgement.verdict).toBe('unknown');
    const starved = history().map((event) =>
      event.type === 'workload-end' && event.arm === 'clusterip-pick-first'
        ? workloadEnd(event.source, END_MS, 800, { due: 900 }, event.arm)
        : event,
    );
    expect(judge(starved).judgement.verdict).toBe('unknown');
  });

  it.each(settings.map(({ name }) => name))('is no pass when one call of %s fails', (arm) => {
    const failed = history().map((event) =>
      event.type === 'call' && event.arm === arm && event.seq === 400 ? unanswered(event) : event,
    );
    expect(judge(failed).judgement.verdict).toBe(arm === CONTROL ? 'unknown' : 'fail');
  });
});
