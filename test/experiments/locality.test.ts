// The locality experiment: the runs that it refuses, what it asks the cluster for, and its judgement of hand-written
// histories.
import { describe, expect, it } from 'vitest';
import type { Judged } from '../../scripts/experiments/experiment.ts';
import locality from '../../scripts/experiments/locality/index.ts';
import type { HistoryEvent } from '../../scripts/history/index.ts';
import { edit, type Script, unanswered } from '../support/history.ts';
import { all, CLIENTS, local, onlyLocal, preferLocal, staying, UNTIL_MS } from '../support/locality.ts';
import { planOf, refusalOf, widthOf } from '../support/plan.ts';

describe('options', () => {
  it.each([
    ['--servers 1', 'It must be a whole number from 2 to 50.'],
    ['--servers 3', '--clients 3 with --servers 3: no client would be without a server on its node'],
    ['--rate 19', '--rate 19 is too low to tell whether 2 pods get even shares Make it 20 or more.'],
    ['--burst 4', '--burst 4 at --rate 30 leaves fewer than 10 bursts a second'],
    ['--latency 5s', '--latency 5.0s leaves no call within --deadline 5.0s'],
    ['--window 4s', '--window 4.0s ends before clients have to be back Make it 5.0s or more.'],
  ])('%s is refused', (line, said) => {
    expect(refusalOf(locality, line)).toContain(said);
  });

  it('have defaults: four arms on as many nodes as there can be, Services as Kubernetes has them', () => {
    const { arms, prediction } = planOf(locality, '');
    expect(arms.map(({ name, service }) => [name, service])).toEqual([
      ['prefer-same-node', undefined],
      ['traffic-distribution', { trafficDistribution: 'PreferSameNode' }],
      ['internal-traffic-policy', { internalTrafficPolicy: 'Local' }],
      ['dns-one-tier', undefined],
    ]);
    for (const arm of arms) {
      expect(arm).toMatchObject({ servers: 2, clients: 3, spread: 'strict' });
      expect(arm.serverEnv).toMatchObject({
        DRAIN: 'none',
        INITIAL_LATENCY_MS: '100',
        READY_AFTER_MS: '4000',
      });
    }
    expect(widthOf(prediction)).toBeLessThanOrEqual(80);
    expect(prediction).toMatchInlineSnapshot(`
      "In each arm a server on a client's node ends without draining.
      prefer-same-node: all calls of a client stay on its node while a server is
        there. When that goes, what is in flight (calls take 100ms) is tried
        elsewhere, what follows goes elsewhere within 50ms, and none fails. When a
        server is there again, all calls come back within 2.5s of its Ready. A client
        that never had one cannot know its own zone, and deals its calls to all
        evenly.
      traffic-distribution: trafficDistribution: PreferSameNode of a ClusterIP is a
        matter of connecting. A connection goes to the own node if a server is there
        at that moment, and stays where it is: after the pod is gone a client calls
        another one, and goes on to do so when there is one on its node again. Or it
        hangs, for up to two minutes, where it connects to the pod just as that goes:
        the experiment outage shows it.
      internal-traffic-policy: internalTrafficPolicy: Local of a ClusterIP is the
        own node or nothing. A client without a server there fails all its calls; that
        of the pod that goes fails until one is there again.
      dns-one-tier: DNS knows no nodes: calls are dealt to all servers evenly, 50%
        to each, and the client says so once in its log."
    `);
  });
});

type Choose = NonNullable<Script['choose']>;
const AS_PREDICTED = (): Record<string, Choose> => ({
  'prefer-same-node': preferLocal,
  'traffic-distribution': staying(),
  'internal-traffic-policy': onlyLocal,
  'dns-one-tier': all,
});
const said = (arm: string): HistoryEvent[] =>
  CLIENTS.map((client) => ({
    type: 'log',
    arm,
    source: `${client}-${arm}`,
    atMs: UNTIL_MS + 10,
    text: 'prefer_same_node is plain round robin for dns:///x',
  }));

/** Each arm has clients of its own. */
const historyWith = (chooses: Record<string, Choose>, rest: Partial<Script> = {}): HistoryEvent[] => [
  ...Object.entries(chooses).flatMap(([arm, choose]) =>
    edit(local(choose, { arm, ...rest }), (e) =>
      e.type === 'mark' && arm !== 'dns-one-tier' ? undefined : e,
    ).map((e) => ownClients(e, arm)),
  ),
  ...said('dns-one-tier'),
];

function ownClients(event: HistoryEvent, arm: string): HistoryEvent {
  const own = (name: string) => (CLIENTS.includes(name) ? `${name}-${arm}` : name);
  const renamed = { ...event, source: own(event.source) };
  if (renamed.type === 'pod') return { ...renamed, pod: own(renamed.pod) };
  if (renamed.type !== 'counters') return renamed;
  const clients = Object.entries(renamed.clients).map(([client, counts]) => [`${client}-${arm}`, counts]);
  return { ...renamed, clients: Object.fromEntries(clients) };
}

// As many calls a second as the histories have.
const judge = (history: HistoryEvent[]): Judged => planOf(locality, '--rate 60').judge(history);
const failed = ({ findings }: Judged) =>
  findings.filter(({ verdict }) => verdict === 'fail').map(({ arm, check }) => `${arm} ${check}`);

describe('a run', () => {
  it('passes when every arm does as predicted, and shows where calls went', () => {
    const judged = judge(historyWith(AS_PREDICTED()));
    expect(judged.judgement.verdict, judged.judgement.reasons.join('\n')).toBe('pass');
    const [shares, after] = judged.tables ?? [];
    expect(shares?.rows).toEqual([
      ['prefer-same-node, …n1', '100%', '0%', '100%'],
      ['prefer-same-node, …n2', '0%', '0%', '0%'],
      ['prefer-same-node, …n3', '100%', '100%', '100%'],
      ['traffic-distribution, …n1', '100%', '0%', '0%'],
      ['traffic-distribution, …n2', '0%', '0%', '0%'],
      ['traffic-distribution, …n3', '100%', '100%', '100%'],
      ['internal-traffic-policy, …n1', '100%', expect.stringMatching(/, 359 failed$/), '100%'],
      [
        'internal-traffic-policy, …n2',
        expect.stringMatching(/failed$/),
        expect.any(String),
        expect.any(String),
      ],
      ['internal-traffic-policy, …n3', '100%', '100%', '100%'],
      ['dns-one-tier, …n1', '50%', '0%', '50%'],
      ['dns-one-tier, …n2', '0%', '0%', '0%'],
      ['dns-one-tier, …n3', '50%', '100%', '50%'],
    ]);
    expect(after?.rows).toEqual([
      ['prefer-same-node', '12ms', '14ms', '0ms'],
      ['traffic-distribution', '12ms', '14ms', 'never'],
      ['internal-traffic-policy', expect.any(String), expect.any(String), '0ms'],
      ['dns-one-tier', expect.any(String), expect.any(String), 'never'],
    ]);
  });

  it.each<[string, string, Choose, string[]]>([
    [
      'nearness does not count',
      'prefer-same-node',
      all,
      ['nearest-first', 'even-in-tier', 'local-again'].map((check) => `prefer-same-node ${check}`),
    ],
    [
      'a client does not come back',
      'prefer-same-node',
      (client, called, atMs) =>
        preferLocal(client, atMs > 15_000 ? called.filter(({ pod }) => pod !== 'server-3') : called, atMs),
      ['prefer-same-node nearest-first', 'prefer-same-node local-again'],
    ],
    ['connections move', 'traffic-distribution', preferLocal, ['traffic-distribution connection-bound']],
    ['other nodes answer', 'internal-traffic-policy', preferLocal, ['internal-traffic-policy local-only']],
  ])('fails when %s', (_, arm, choose, checks) => {
    const judged = judge(historyWith({ ...AS_PREDICTED(), [arm]: choose }));
    expect(failed(judged)).toEqual(checks);
    expect(judged.judgement.verdict).toBe('fail');
  });

  it('fails when a call is lost', () => {
    const tamper: NonNullable<Script['tamper']> = (made) =>
      made.source === 'client-1' && made.arm === 'prefer-same-node' && made.seq === 900
        ? unanswered(made)
        : made;
    const judged = judge(historyWith(AS_PREDICTED(), { tamper }));
    expect(failed(judged)).toEqual(['prefer-same-node no-failed-call']);
  });

  it('cannot tell when the control knows nodes, or does not say that it does not', () => {
    const knowing = judge(historyWith({ ...AS_PREDICTED(), 'dns-one-tier': preferLocal }));
    expect(knowing.judgement).toMatchObject({ verdict: 'unknown' });
    const silent = judge(edit(historyWith(AS_PREDICTED()), (e) => (e.type === 'log' ? undefined : e)));
    expect(silent.judgement).toMatchObject({ verdict: 'unknown' });
  });

  it('cannot tell when no client was without a server on its node', () => {
    const together = edit(historyWith(AS_PREDICTED()), (e) =>
      e.type === 'pod' && e.app === 'greeter-client' ? { ...e, node: 'n1' } : e,
    );
    expect(judge(together).judgement.verdict).toBe('unknown');
  });
});
