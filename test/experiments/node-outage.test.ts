// The node-outage experiment: what it asks the cluster for, which node it takes, and its judgement of hand-written
// histories.
import { describe, expect, it } from 'vitest';
import nodeOutage from '../../scripts/experiments/node-outage/index.ts';
import { chooseNode } from '../../scripts/experiments/node-outage/node.ts';
import type { FaultMark, HistoryEvent } from '../../scripts/history/index.ts';
import { edit, historyOf, mark, podSeen, servers, unanswered } from '../support/history.ts';
import { kubeApi } from '../support/kube-api.ts';
import { planOf, refusalOf, widthOf } from '../support/plan.ts';

describe('options', () => {
  it.each([
    ['--by pause', 'Allowed choices are partition, stop.'],
    ['--servers 1', 'It must be a whole number from 2 to 10.'],
    [
      '--hold 30s',
      '--hold 30.0s may be over before Kubernetes has noticed It takes up to 57.0s: 1m01s or more.',
    ],
    ['--keepalive 25s', '--keepalive 25.0s may be no faster than Kubernetes'],
    ['--hold 10m', '--hold 10m00s is so long that Kubernetes replaces the pods Make it 5m00s or less.'],
    [
      '--fresh-rate 2',
      '--fresh-rate 2 is too low to tell when one of 3 servers is called last Make it 6 or more.',
    ],
    ['--rate 20', '--rate 20 is too low to tell whether 3 pods get even shares'],
    ['--fresh-rate 40', '--fresh-rate 40 is above --rate 30'],
  ])('%s is refused', (line, said) => {
    expect(refusalOf(nodeOutage, line)).toContain(said);
  });

  it('have defaults: one arm with servers, four with clients, all of them together', () => {
    const { arms, prediction, needs } = planOf(nodeOutage, '');
    expect(needs).toEqual(['stop-nodes']);
    expect(
      arms.map(({ name, clients, serversOf, clientsTogether }) => [
        name,
        clients,
        serversOf,
        clientsTogether,
      ]),
    ).toEqual([
      ['keepalive', 1, undefined, true],
      ['watch', 1, 'keepalive', true],
      ['fresh', 1, 'keepalive', true],
      ['no-keepalive', 1, 'keepalive', true],
    ]);
    expect(arms[0]).toMatchObject({ servers: 3, spread: 'strict' });
    expect(prediction).toContain('is cut off from the network');
    expect(planOf(nodeOutage, '--by stop').prediction).toContain('no more than 6 calls');
    for (const line of ['', '--by stop'])
      expect(widthOf(planOf(nodeOutage, line).prediction)).toBeLessThanOrEqual(80);
  });
});

describe('the node', () => {
  const seen = (name: string, node: string) => podSeen(name, 0, { node });
  const choose = async (on: readonly string[]) => {
    await using kube = await kubeApi();
    const labels = { 'node-role.kubernetes.io/control-plane': '' };
    kube.put('/api/v1/nodes', {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'control-plane', labels },
    });
    return await chooseNode(kube.api, {
      clients: [seen('client', 'worker1')],
      servers: on.map((node, index) => seen(`server-${index}`, node)),
    });
  };

  it('is a worker with servers and without clients', async () => {
    expect(await choose(['worker1', 'control-plane', 'worker3', 'worker3'])).toEqual({
      node: 'worker3',
      pods: ['server-2', 'server-3'],
    });
  });

  it('is none where all are needed', async () => {
    await expect(choose(['worker1', 'control-plane'])).rejects.toThrow(
      'no worker has a server and no client',
    );
  });
});

const [AWAY_MS, BACK_MS, END_MS] = [10_000, 75_000, 90_000];
const UNREADY_MS = AWAY_MS + 47_000;
const LOST = 'server-3';
const ARMS = ['keepalive', 'watch', 'fresh', 'no-keepalive'];

type Span = [fromMs: number, untilMs: number];

/** Calls of one arm, of which those to the lost server fail from then to then. */
const armOf = (arm: string, fails: Span | undefined): HistoryEvent[] => {
  const events = historyOf({
    arm,
    clients: [`client-${arm}`],
    ratePerSecond: arm === 'fresh' ? 10 : 30,
    untilMs: END_MS,
    changeMs: AWAY_MS,
    pods: servers(3, { readyAtMs: 0 }),
    ...(fails && {
      tamper: (call) =>
        call.pod === LOST && call.atMs >= fails[0] && call.atMs < fails[1]
          ? unanswered(call, 'DEADLINE_EXCEEDED', 'Deadline exceeded after 2.000s')
          : call,
    }),
  });
  return edit(events, (event) => (event.type === 'fault' ? undefined : event));
};

const faultMark = (by: string, phase: FaultMark['phase'], atMs: number): FaultMark => ({
  type: 'fault',
  source: 'driver',
  atMs,
  arm: 'keepalive',
  fault: `node-${by}`,
  phase,
  detail: '',
  pods: [LOST],
});

const slice = (atMs: number, isReady: boolean, arm: string): HistoryEvent => ({
  type: 'endpoints',
  source: 'driver',
  atMs,
  arm,
  service: 'greeter-headless-keepalive',
  slice: 'abc',
  endpoints: ['server-1', 'server-2', LOST].map((name) => {
    const ready = isReady || name !== LOST;
    return { ip: name, pod: name, ready, serving: ready, terminating: false };
  }),
});

function judge(
  fails: Record<string, Span | undefined>,
  { by = 'partition', unreadyMs }: { by?: string; unreadyMs?: number | undefined } = {
    unreadyMs: UNREADY_MS,
  },
) {
  const events = [
    ...ARMS.flatMap((arm) => armOf(arm, fails[arm])),
    mark('baseline', 2000),
    mark('end', END_MS),
    faultMark(by, 'inject-asked', AWAY_MS),
    faultMark(by, 'inject-done', AWAY_MS + 100),
    faultMark(by, 'heal-asked', BACK_MS),
    faultMark(by, 'heal-done', BACK_MS + 2000),
    // Each arm has servers of its own here.
    ...ARMS.flatMap((arm) => [
      slice(0, true, arm),
      ...(unreadyMs === undefined ? [] : [slice(unreadyMs, false, arm), slice(BACK_MS + 2500, true, arm)]),
    ]),
  ];
  return planOf(nodeOutage, `--by ${by}`).judge(events.sort((a, b) => a.atMs - b.atMs));
}

const CUT_OFF: Record<string, Span | undefined> = {
  keepalive: [AWAY_MS, AWAY_MS + 6000],
  watch: [AWAY_MS, UNREADY_MS],
  fresh: [AWAY_MS, UNREADY_MS],
  'no-keepalive': [AWAY_MS, END_MS],
};
const STOPPED: Record<string, Span | undefined> = {
  keepalive: [AWAY_MS, AWAY_MS + 150],
  fresh: [AWAY_MS, UNREADY_MS],
};

describe('a node that is cut off', () => {
  it('passes when each client notices in its own way, and the control does not', () => {
    const { judgement, findings, tables } = judge(CUT_OFF);
    expect(judgement.verdict, judgement.reasons.join('\n')).toBe('pass');
    expect(tables?.[0]?.rows).toEqual([
      ['keepalive', '60 of 1950', 'DEADLINE_EXCEEDED', '6.0s', '0 of 450'],
      ['watch', '470 of 1950', 'DEADLINE_EXCEEDED', '47.0s', '0 of 450'],
      ['fresh', '157 of 650', 'DEADLINE_EXCEEDED', '46.9s', '0 of 150'],
      ['no-keepalive', '650 of 1950', 'DEADLINE_EXCEEDED', '1m05s', '150 of 450'],
    ]);
    expect(findings.filter(({ check }) => check === 'unready-in-slices')).toMatchObject([
      {
        arm: 'watch',
        message: 'server-3 ready in the EndpointSlices for 47.0s more, predicted 30.0s to 57.0s',
      },
      { arm: 'fresh' },
    ]);
  });

  it.each<[string, string, Span | undefined]>([
    ['keepalive does not notice', 'keepalive', [AWAY_MS, AWAY_MS + 12_000]],
    ['keepalive loses nothing', 'keepalive', undefined],
    ['it loses calls when the node is back', 'keepalive', [BACK_MS, BACK_MS + 500]],
    ['a client that watches goes on to call it', 'watch', [AWAY_MS, BACK_MS]],
    ['fresh clients never call it', 'fresh', undefined],
    ['they are lost when the EndpointSlices are without it', 'fresh', [AWAY_MS, BACK_MS]],
  ])('fails when %s', (_, arm, fails) => {
    const { judgement } = judge({ ...CUT_OFF, [arm]: fails });
    expect(judgement.verdict).toBe('fail');
    expect(
      judgement.reasons.every((reason) => reason.startsWith(`${arm}: `)),
      judgement.reasons.join('\n'),
    ).toBe(true);
  });

  it('fails when Kubernetes notices much sooner', () => {
    const unreadyMs = AWAY_MS + 20_000;
    const span: Span = [AWAY_MS, unreadyMs];
    const { judgement } = judge({ ...CUT_OFF, watch: span, fresh: span }, { unreadyMs });
    expect(judgement.verdict).toBe('fail');
    expect(judgement.reasons.join()).toContain(
      'ready in the EndpointSlices for 20.0s more, predicted 30.0s to 57.0s',
    );
  });

  it('fails when it never does', () => {
    const { judgement } = judge(CUT_OFF, { unreadyMs: undefined });
    expect(judgement.reasons.join()).toContain(
      'watch: server-3 never ceased to be ready in the EndpointSlices',
    );
    expect(judgement.verdict).toBe('fail');
  });

  it('cannot tell when the control notices too', () => {
    const { judgement } = judge({ ...CUT_OFF, 'no-keepalive': [AWAY_MS, AWAY_MS + 6000] });
    expect(judgement.verdict).toBe('unknown');
    expect(judgement.reasons[0]).toContain('the control did not behave as expected: no-keepalive');
  });
});

describe('a node that stops', () => {
  it('passes when only new connections are lost', () => {
    const { judgement, tables } = judge(STOPPED, { by: 'stop', unreadyMs: UNREADY_MS });
    expect(judgement.verdict, judgement.reasons.join('\n')).toBe('pass');
    expect(tables?.[0]?.rows.map(([arm, lost]) => [arm, lost])).toEqual([
      ['keepalive', '1 of 1950'],
      ['watch', '0 of 1950'],
      ['fresh', '157 of 650'],
      ['no-keepalive', '0 of 1950'],
    ]);
  });

  it('fails when a connected client goes on to call it', () => {
    const { judgement } = judge(
      { ...STOPPED, watch: [AWAY_MS, AWAY_MS + 5000] },
      { by: 'stop', unreadyMs: UNREADY_MS },
    );
    expect(judgement.verdict).toBe('fail');
    expect(judgement.reasons.join()).toContain('watch: 50 of 1,950 calls failed, at most 6 expected');
  });

  it('fails, too, when the one does that is the control elsewhere', () => {
    const { judgement } = judge(
      { ...STOPPED, 'no-keepalive': CUT_OFF['no-keepalive'] },
      { by: 'stop', unreadyMs: UNREADY_MS },
    );
    expect(judgement.verdict).toBe('fail');
    expect(judgement.reasons.join()).toContain('no-keepalive: 650 of 1,950 calls failed');
  });
});
