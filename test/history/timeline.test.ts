import { expect, test } from 'vitest';
import { firstCallWaits, scaleInTimeline, scaleOutTimeline } from '../../scripts/history/index.ts';
import { ARM, CHANGE_MS, edit, fault, historyOf, scaleIn, scaleOut, servers } from '../support/history.ts';

test('a new pod is followed from Ready to its first call', () => {
  const timeline = scaleOutTimeline(scaleOut(8000), ARM);
  expect(timeline?.askedAtMs).toBe(CHANGE_MS);
  expect(timeline?.pods).toHaveLength(5);
  const [first] = timeline?.pods ?? [];
  expect(first).toMatchObject({
    pod: 'server-6',
    node: 'worker',
    readyMs: 2000,
    inEndpointSliceMs: 2100,
    inDnsMs: 2300,
    resolved: { firstMs: 9980, slowestMs: 9980 },
  });
  expect(first?.firstCall.firstMs).toBeGreaterThanOrEqual(10_000);
  expect(first?.firstCall.slowestMs).toBeLessThan(10_100);
  expect(timeline?.evenMs).toBe(10_000 + 6000);
});

test('the slowest client counts, and there is none while one never called', () => {
  const pods = (client2Ms: number) => [
    ...servers(2, { readyAtMs: 0 }),
    ...servers(1, { readyAtMs: 12_000, calledFromMs: { 'client-1': 15_000, 'client-2': client2Ms } }, 3),
  ];
  const late = scaleOutTimeline(historyOf({ pods: pods(30_000) }), ARM)?.pods[0];
  expect(late?.resolved).toEqual({ firstMs: 4980, slowestMs: 19_980 });
  expect(late?.firstCall.slowestMs).toBeGreaterThanOrEqual(20_000);

  const timeline = scaleOutTimeline(historyOf({ pods: pods(Number.POSITIVE_INFINITY) }), ARM);
  expect(timeline?.pods[0]?.firstCall.slowestMs).toBeUndefined();
  expect(timeline && firstCallWaits(timeline)).toMatchObject([
    { pod: 'server-3', client: 'client-1', readyAtMs: 12_000 },
    { pod: 'server-3', client: 'client-2', readyAtMs: 12_000, waitMs: undefined },
  ]);
});

test('without a DNS watch the EndpointSlice tells when a client could know', () => {
  const history = edit(scaleOut(8000), (event) => (event.type === 'dns' ? undefined : event));
  expect(scaleOutTimeline(history, ARM)?.pods[0]).toMatchObject({
    inDnsMs: undefined,
    resolved: { firstMs: 9980 },
  });
});

test('a resolution that the DNS watch saw a little late is still the one that brought the pod', () => {
  const history = edit(scaleOut(8000), (event) =>
    event.type === 'dns' && event.atMs > CHANGE_MS ? { ...event, atMs: 20_100 } : event,
  );
  expect(scaleOutTimeline(history, ARM)?.pods[0]?.resolved.slowestMs).toBe(9980);
});

test('a resolution from before the pod did not bring it', () => {
  const history = edit(scaleOut(8000), (event) =>
    event.type === 'resolved' && event.atMs > CHANGE_MS ? undefined : event,
  );
  expect(scaleOutTimeline(history, ARM)?.pods[0]?.resolved.slowestMs).toBeUndefined();
});

test('a failed resolution brings nothing', () => {
  const history = edit(scaleOut(8000), (event) =>
    event.type === 'resolved' && event.source === 'client-2' ? { ...event, ok: false } : event,
  );
  expect(scaleOutTimeline(history, ARM)?.pods[0]?.resolved).toEqual({ firstMs: 9980, slowestMs: undefined });
});

test('an address that an earlier pod had does not put a new one in DNS', () => {
  const pods = [
    ...servers(1, { readyAtMs: 0 }),
    { pod: 'before', ip: '10.0.0.9', readyAtMs: 0, terminatingAtMs: 8000, goneAtMs: 9000 },
    { pod: 'after', ip: '10.0.0.9', readyAtMs: 12_000 },
  ];
  expect(scaleOutTimeline(historyOf({ pods }), ARM)?.pods[0]).toMatchObject({ pod: 'after', inDnsMs: 2300 });
});

test('a leaving pod is followed to its last call and its end', () => {
  const timeline = scaleInTimeline(scaleIn(1000), ARM);
  expect(timeline?.pods).toHaveLength(5);
  expect(timeline?.pods[0]).toMatchObject({
    pod: 'server-6',
    terminatingMs: 1000,
    outOfEndpointSliceMs: 1100,
    outOfDnsMs: 1300,
    goneMs: 10_000,
  });
  expect(timeline?.pods[0]?.lastCallMs).toBeGreaterThan(1900);
  expect(timeline?.pods[0]?.lastCallMs).toBeLessThan(2000);
  expect(timeline?.evenMs).toBe(2000 - 250 + 6000);
});

test('a pod is out of its EndpointSlices when the last of them has let go of it', () => {
  const history = scaleIn(0);
  const [leaving] = servers(1, { readyAtMs: 0 }, 6);
  const second = (atMs: number, ready: boolean) => ({
    type: 'endpoints' as const,
    source: 'driver',
    atMs,
    arm: ARM,
    service: 'greeter-headless',
    slice: 'greeter-headless-second',
    endpoints: [{ ip: leaving?.ip ?? '', ready, serving: true, terminating: !ready }],
  });
  const timeline = scaleInTimeline([...history, second(50, true), second(15_000, false)], ARM);
  expect(timeline?.pods[0]?.outOfEndpointSliceMs).toBe(5000);
  expect(timeline?.pods[1]?.outOfEndpointSliceMs).toBe(1100);
  expect(scaleInTimeline([...history, second(50, true)], ARM)?.pods[0]?.outOfEndpointSliceMs).toBeUndefined();
});

test('nothing to follow when nothing was changed', () => {
  const history = edit(scaleOut(0), (event) => (event.type === 'fault' ? undefined : event));
  expect(scaleOutTimeline(history, ARM)).toBeUndefined();
  expect(scaleInTimeline([fault(0, 'control')], ARM)).toBeUndefined();
});
