// The dns experiment: what it predicts, the runs that it refuses, and its judgement of hand-written histories.
import { describe, expect, it, test } from 'vitest';
import { CAPABILITIES } from '../../scripts/cluster/index.ts';
import dns from '../../scripts/experiments/dns/index.ts';
import {
  ARM,
  actionsOf,
  type Fact,
  factsOf,
  type Role,
  WATCHED,
} from '../../scripts/experiments/dns/names.ts';
import type { Judged } from '../../scripts/experiments/experiment.ts';
import { CLIENT_APP, type HistoryEvent } from '../../scripts/history/index.ts';
import { call, clock, fault, mark, podSeen, workloadEnd } from '../support/history.ts';
import { planOf, refusalOf, widthOf } from '../support/plan.ts';

const ALL_FACTS = factsOf(CAPABILITIES);

const parameters = planOf(dns, '').parameters as Parameters<typeof actionsOf>[0];
const CLIENT = 'client-1';

test('the prediction follows from the numbers of pods, and says what breaks the claim', () => {
  const { prediction } = planOf(dns, '--from 1 --to 3');
  expect(prediction).toMatch(
    /at-first: +headless 1, published 1, .*\nscaled-out: +headless 3, published 3, .*\none-not-ready: +headless 2, published 3/,
  );
  expect(prediction).not.toMatch(/the claim fails/);
  expect(planOf(dns, '--readiness-probe off').prediction).toMatch(/the claim\s+fails/);
  expect(
    widthOf(planOf(dns, '--readiness-probe off --bound 90s --settle 10m').prediction),
  ).toBeLessThanOrEqual(80);
});

test('servers are asked every second whether they are Ready, or never', () => {
  const probeOf = (line: string) => planOf(dns, line).arms[0]?.serverProbes?.readinessProbe;
  expect(probeOf('')).toMatchObject({ grpc: { port: 50051 }, periodSeconds: 1 });
  expect(probeOf('--readiness-probe off')).toBeNull();
});

test('runs that could show nothing are refused', () => {
  expect(refusalOf(dns, '--from 4')).toBe('--to 4 adds no pod to --from 4 Make --to larger.');
  expect(refusalOf(dns, '--bound 100ms')).toMatch(/shorter than what it takes to see an answer/);
  expect(refusalOf(dns, '--settle 2s')).toBe(
    '--settle 2.0s ends before --bound 2.0s can be judged Make it 3.0s or more.',
  );
});

const STEP_MS = 10_000;
const ANSWERED_MS = 300;
const VIRTUAL_IP = '10.96.0.9';
const ipsOf = (howMany: number): string[] => Array.from({ length: howMany }, (_, n) => `10.0.0.${n + 1}`);

type Changes = {
  /** Addresses of a name after an action, where they are others than they should be. */
  addresses?: Partial<Record<Role, Record<string, number>>>;
  answeredMs?: number;
  /** What comes of a question. */
  outcome?: (fact: Fact) => string | undefined;
};

/** A run in which every name does as it should, but for the changes. */
function history({
  addresses = {},
  answeredMs = ANSWERED_MS,
  outcome = () => undefined,
}: Changes = {}): HistoryEvent[] {
  const { from } = parameters;
  const steps = [
    { name: 'at first', addresses: { headless: from, published: from } },
    ...actionsOf(parameters),
  ];
  const endMs = steps.length * STEP_MS;
  const ofStep = steps.flatMap(({ name: step, addresses: expected }, index): HistoryEvent[] => {
    const atMs = index * STEP_MS;
    const names = (['headless', 'published'] as const).flatMap((role): HistoryEvent[] => {
      const records = ipsOf(addresses[role]?.[step] ?? expected[role]);
      const service = WATCHED[role];
      const endpoints = records.map((ip) => ({ ip, ready: true, serving: true, terminating: false }));
      const error = records.length === 0 ? { error: 'ENOTFOUND' } : {};
      return [
        {
          type: 'endpoints',
          source: 'driver',
          arm: ARM,
          atMs: atMs + 100,
          service,
          slice: service,
          endpoints,
        },
        {
          type: 'dns',
          source: CLIENT,
          arm: ARM,
          atMs: atMs + 100 + answeredMs,
          name: service,
          records,
          ...error,
        },
      ];
    });
    const virtual = addresses['cluster-ip']?.[step];
    const records = virtual === undefined ? [VIRTUAL_IP] : ipsOf(virtual);
    const name = WATCHED['cluster-ip'];
    return [
      ...(index === 0 ? [] : [fault(atMs, ARM)]),
      ...names,
      { type: 'dns', source: CLIENT, arm: ARM, atMs: atMs + 100, name, records },
    ];
  });
  const probes = ALL_FACTS.map((fact): HistoryEvent => {
    const atMs = fact.when === 'pods' ? 5000 : 5 * STEP_MS + 5000;
    const found = outcome(fact) ?? fact.expected[0] ?? '';
    const common = { source: CLIENT, arm: ARM, atMs, tookMs: 1 };
    const failed = found.startsWith('E') ? { error: found } : {};
    if (fact.kind === 'dry-run') {
      const { name } = fact.object.metadata;
      return { type: 'dry-run', source: 'driver', arm: ARM, atMs, name, accepted: found === 'accepted' };
    }
    if (fact.kind === 'tcp') {
      const { host, port } = fact;
      return { type: 'tcp-probe', ...common, host, port, connected: found === 'connected', ...failed };
    }
    const { name, type } = fact;
    const records = found.startsWith('port')
      ? [`0 100 ${found.slice(5)} pod`]
      : ipsOf(Number(/^(\d+) address/.exec(found)?.[1] ?? 0));
    return { type: 'dns-probe', ...common, name, asked: type, records, ...failed };
  });
  return [
    clock(CLIENT),
    podSeen(CLIENT, 0, { arm: ARM, app: CLIENT_APP }),
    podSeen('server-1', 0, { arm: ARM, ip: '10.0.0.1' }),
    call(0, 100, { arm: ARM, source: CLIENT, pod: 'server-1' }),
    workloadEnd(CLIENT, endMs, 1, {}, ARM),
    mark('baseline', 0),
    mark('end', endMs),
    ...ofStep,
    ...probes,
  ].sort((a, b) => a.atMs - b.atMs);
}

const judge = (events: HistoryEvent[]): Judged => planOf(dns, '').judge(events);

describe('the judgement', () => {
  it('passes when names answer what they should, and tells when they did', () => {
    const { judgement, tables = [], plots = [], findings } = judge(history());
    expect(findings.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
    expect(judgement.verdict).toBe('pass');
    expect(tables[0]?.rows[1]).toEqual(['one-not-ready', '100ms', '400ms', '300ms', '3', '4', '1']);
    expect(tables[0]?.rows[4]).toEqual(['scaled-to-zero', '100ms', '400ms', '300ms', '0', '0', '1']);
    expect(tables[1]?.rows).toHaveLength(ALL_FACTS.length);
    expect(plots[0]?.series.map(({ name }) => name)).toEqual([
      'ready in slices',
      'headless',
      'published',
      'cluster-ip',
    ]);
  });

  it('fails when answers are late', () => {
    expect(judge(history({ answeredMs: 2500 })).judgement).toMatchObject({
      verdict: 'fail',
      reasons: expect.arrayContaining([
        expect.stringMatching(
          /^headless: greeter-headless-pods answered what its slices had, .* after 2.5s$/,
        ),
      ]),
    });
  });

  it('fails when a pod that is not Ready is still answered, or one that is published is not', () => {
    const kept = judge(history({ addresses: { headless: { 'one-not-ready': 4 } } }));
    expect(kept.judgement.reasons).toContain(
      'headless: greeter-headless-pods had the wrong number of addresses: one-not-ready 4, expected 3',
    );
    const lost = judge(history({ addresses: { published: { 'one-not-ready': 3 } } }));
    expect(lost.judgement.reasons).toContain(
      'published: greeter-unready-pods had the wrong number of addresses: one-not-ready 3, expected 4',
    );
  });

  it('fails when a port is mapped that cannot be, a large answer is cut off, or a name is left without pods', () => {
    const isMapped = ({ asks }: Fact) => asks === 'connect to headless:9000';
    expect(
      judge(history({ outcome: (fact) => (isMapped(fact) ? 'connected' : undefined) })).judgement,
    ).toEqual({
      verdict: 'fail',
      reasons: ['headless: connect to headless:9000: connected, expected ECONNREFUSED'],
    });
    const isLarge = ({ asks }: Fact) => asks.includes('100 endpoints');
    expect(
      judge(history({ outcome: (fact) => (isLarge(fact) ? '30 addresses' : undefined) })).judgement.reasons,
    ).toEqual([
      'headless: addresses of a headless Service with 100 endpoints: 30 addresses, expected 100 addresses',
    ]);
    const isLeft = ({ asks }: Fact) => asks === 'addresses of headless';
    expect(
      judge(history({ outcome: (fact) => (isLeft(fact) ? '1 address' : undefined) })).judgement.verdict,
    ).toBe('fail');
  });

  it('cannot tell when the virtual IP changed, or a connection to it was not refused', () => {
    const changed = judge(history({ addresses: { 'cluster-ip': { 'scaled-to-zero': 0 } } })).judgement;
    expect(changed.verdict).toBe('unknown');
    expect(changed.reasons[0]).toMatch(/^the control did not behave as expected: cluster-ip: .* no address/);
    const hanging = history({
      outcome: ({ asks }) => (asks === 'connect to cluster-ip:50051' ? 'ETIMEDOUT' : undefined),
    });
    expect(judge(hanging).judgement.verdict).toBe('unknown');
  });

  it('cannot tell when not all was done, or the client was starved', () => {
    const cut = history().filter((event) => event.type !== 'fault' || event.atMs < 4 * STEP_MS);
    expect(judge(cut).judgement.verdict).toBe('unknown');
    const starved = history().map((event) =>
      event.type === 'workload-end' ? workloadEnd(CLIENT, event.atMs, 1, { due: 100 }, ARM) : event,
    );
    expect(judge(starved).judgement.verdict).toBe('unknown');
  });
});

test('node ports are asked about where there are any', () => {
  const asked = (capabilities: Parameters<typeof factsOf>[0]) =>
    factsOf(capabilities)
      .filter(({ kind }) => kind === 'dry-run')
      .map(({ asks, expected }) => [asks, ...expected]);
  expect(asked(new Set())).toEqual([]);
  expect(asked(CAPABILITIES)).toEqual([
    ['cluster-ip of type NodePort', 'accepted'],
    ['headless of type NodePort', 'refused'],
  ]);
});
