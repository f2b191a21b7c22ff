// Pods that come, go, restart and fall silent, seen through a fake API server that is also their control endpoint.
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { V1EndpointSlice } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NAMESPACE, podProxy } from '../../scripts/cluster/index.ts';
import { nowMs } from '../../scripts/common/clock.ts';
import { eventsOf, type HistoryEvent } from '../../scripts/history/index.ts';
import { startRecorder } from '../../scripts/workload/index.ts';
import type { AgentEvent, HelloEvent, ServerEvent } from '../../services/protocol/index.ts';
import { eventually } from '../support/eventually.ts';
import { json, type KubeApi, kubeApi, PODS, type PodSketch, pod, SLICES } from '../support/kube-api.ts';

const RUN = 'run-1';
const labels = {
  'grpc-kind-lab.dev/run': RUN,
  'app.kubernetes.io/name': 'greeter-client',
  'app.kubernetes.io/instance': 'treatment',
};
const pathOf = (name: string) => `GET ${PODS}/${name}:8080/proxy`;

let kube: KubeApi;
let stop: AbortController;
beforeEach(async () => {
  kube = await kubeApi();
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await kube[Symbol.asyncDispose]();
});

type Line = HelloEvent | AgentEvent | ServerEvent;

/** A pod's control endpoint: its streams, which a test writes to, and a clock that is `aheadMs` ahead. */
function endpoint(name: string, { aheadMs = 0, boot = 'boot-1' } = {}) {
  const streams: { from: string | null; response: ServerResponse }[] = [];
  let current = boot;
  kube.on(`${pathOf(name)}/time`, (_, response) =>
    json(response, 200, { boot: current, nowMs: nowMs() + aheadMs }),
  );
  kube.on(`${pathOf(name)}/events`, ({ query }, response) => {
    const from = query.get('from');
    streams.push({ from, response });
    response.writeHead(200);
    write({ type: 'hello', boot: current, pod: name, node: 'worker1', atMs: 0, from: Number(from) });
  });
  const write = (...lines: Line[]) =>
    streams.at(-1)?.response.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return {
    streams,
    write,
    opened: (howMany: number) =>
      eventually(
        () => streams.length >= howMany,
        () => streams.map(({ from }) => from),
      ),
    restart: () => {
      current = 'boot-2';
    },
  };
}

const put = (name: string, sketch: PodSketch = {}) => kube.put(PODS, pod(name, { labels, ...sketch }));
const call = (seq: number, intendedMs = nowMs()): AgentEvent => ({
  type: 'call',
  workload: 'treatment',
  seq,
  intendedMs,
  lateMs: 0,
  latencyMs: 1,
  code: 'OK',
});

async function record() {
  const told: HistoryEvent[] = [];
  const proxy = await podProxy(kube.api.kubeConfig, 'secret');
  const recorder = await startRecorder(kube.api, proxy, {
    run: RUN,
    onEvent: (event) => told.push(event),
    signal: stop.signal,
  });
  const calls = (howMany: number) =>
    eventually(
      () => recorder.callsFrom('client-1', 'treatment') >= howMany,
      () => told,
    );
  const gaps = () => eventsOf(told, 'gap').map(({ reason }) => reason);
  const gap = () =>
    eventually(
      () => gaps().length > 0,
      () => told,
    );
  return { recorder, told, calls, gaps, gap };
}

/** Calls until one is told by the clock of a pod that is a minute ahead. */
async function clockKnown(
  { write }: ReturnType<typeof endpoint>,
  told: readonly HistoryEvent[],
): Promise<void> {
  let seq = 100;
  await eventually(() => {
    write(call(seq, nowMs() + 60_000));
    seq += 1;
    return eventsOf(told, 'call').some(({ atMs, sourceMs = atMs }) => sourceMs - atMs > 50_000);
  });
}

describe('the recorder', () => {
  it("puts what pods tell on the driver's clock, in order", async () => {
    const client = endpoint('client-1', { aheadMs: 60_000 });
    put('client-1');
    const { recorder, told, calls, gaps } = await record();
    await client.opened(1);
    // Told before the clock is known, and not in their order.
    const sourceMs = nowMs() + 60_000;
    client.write(call(1, sourceMs - 10), call(0, sourceMs - 20));
    await calls(2);
    await clockKnown(client, told);
    const history = await recorder.finish();
    expect(gaps()).toEqual([]);
    const [{ offsetMs, errorMs } = expect.fail('no clock')] = eventsOf(history, 'clock');
    expect(Math.abs(offsetMs - 60_000)).toBeLessThanOrEqual(errorMs + 0.001);
    const seen = eventsOf(history, 'call');
    expect(seen.slice(0, 2).map(({ seq }) => seq)).toEqual([0, 1]);
    expect(seen[0]).toMatchObject({ sourceMs: sourceMs - 20, atMs: sourceMs - 20 - offsetMs });
    expect(history.map(({ atMs }) => atMs)).toEqual(history.map(({ atMs }) => atMs).sort((a, b) => a - b));
  });

  it('follows pods of its run alone, from when they are Ready', async () => {
    const client = endpoint('client-1');
    put('client-1', { ready: false });
    kube.put(PODS, pod('other', { labels: { ...labels, 'grpc-kind-lab.dev/run': 'another' } }));
    const { recorder, told } = await record();
    expect(recorder.pods('treatment', 'greeter-client').map(({ pod: name, ready }) => [name, ready])).toEqual(
      [['client-1', false]],
    );
    expect(client.streams).toEqual([]);
    await eventually(() => kube.watches(PODS).length === 1);
    put('client-1');
    await client.opened(1);
    expect(eventsOf(told, 'pod').map(({ ready }) => ready)).toEqual([false, true]);
    kube.remove(PODS, 'client-1');
    await eventually(() => recorder.pods('treatment', 'greeter-client').length === 0);
  });

  it('takes a broken stream up where it broke off, which is no gap', async () => {
    const client = endpoint('client-1');
    put('client-1');
    const { calls, gaps } = await record();
    await client.opened(1);
    client.write(call(0), call(1));
    await calls(2);
    client.streams[0]?.response.socket?.destroy();
    await client.opened(2);
    expect(client.streams.map(({ from }) => from)).toEqual(['0', '2']);
    client.write(call(2));
    await calls(3);
    client.streams[1]?.response.end();
    await client.opened(3);
    expect(client.streams[2]?.from).toBe('3');
    expect(gaps()).toEqual([]);
  });

  it('counts events that the pod threw away as told, and says that they are missing', async () => {
    const client = endpoint('client-1');
    put('client-1');
    const { calls, gaps } = await record();
    await client.opened(1);
    client.write({ type: 'dropped', atMs: 0, count: 40 }, call(40));
    await calls(1);
    expect(gaps()).toEqual(['client-1 threw away 40 events that nobody read in time']);
    client.streams[0]?.response.end();
    await client.opened(2);
    expect(client.streams[1]?.from).toBe('41');
  });

  it('says when the process behind a stream is another one, and begins anew', async () => {
    const client = endpoint('client-1');
    put('client-1');
    const { calls, gaps, gap } = await record();
    await client.opened(1);
    client.write(call(0));
    await calls(1);
    client.restart();
    client.streams[0]?.response.end();
    await gap();
    expect(gaps()).toEqual(['client-1 was restarted: what it had not told is lost']);
    client.write(call(0));
    await calls(2);
    client.streams.at(-1)?.response.end();
    await client.opened(3);
    expect(client.streams.at(-1)?.from).toBe('1');
  });

  it('says when Kubernetes has restarted a container', async () => {
    endpoint('client-1');
    put('client-1');
    const { gaps, gap } = await record();
    await eventually(() => kube.watches(PODS).length === 1);
    put('client-1', { restarts: 1 });
    await gap();
    expect(gaps()).toEqual(['the container of client-1 was restarted']);
  });

  it('does not take a restart that was asked for as a gap, and one more as one', async () => {
    const client = endpoint('client-1');
    put('client-1', { restarts: 3 });
    const { recorder, told, calls, gaps, gap } = await record();
    await client.opened(1);
    await eventually(() => kube.watches(PODS).length === 1);
    recorder.expectRestarts(['client-1']);
    client.restart();
    client.streams[0]?.response.end();
    await client.opened(2);
    client.write(call(0));
    await calls(1);
    put('client-1', { restarts: 4 });
    await eventually(() => eventsOf(told, 'pod').length === 2);
    expect(gaps()).toEqual([]);
    put('client-1', { restarts: 5 });
    await gap();
    expect(gaps()).toEqual(['the container of client-1 was restarted']);
  });

  it('waits for a pod that was told to restart, however long it takes', async () => {
    const client = endpoint('client-1');
    put('client-1');
    const { recorder, gaps } = await record();
    await client.opened(1);
    recorder.expectRestarts(['client-1']);
    kube.on(`${pathOf('client-1')}/events`, (_, response) => json(response, 503, { message: 'no route' }));
    client.streams[0]?.response.end();
    await delay(6000);
    expect(gaps()).toEqual([]);
  });

  describe('a pod that falls silent on purpose', () => {
    const silent = async () => {
      const client = endpoint('client-1');
      put('client-1');
      const recording = await record();
      await client.opened(1);
      recording.recorder.expectSilence(['client-1'], true);
      return { client, ...recording };
    };
    const refuseEvents = () =>
      kube.on(`${pathOf('client-1')}/events`, (_, response) => json(response, 503, { message: 'no route' }));

    it('is no gap, however long that takes', async () => {
      const { client, gaps } = await silent();
      refuseEvents();
      client.streams[0]?.response.end();
      await delay(6000);
      expect(gaps()).toEqual([]);
    });

    it('is one when it does not speak again', async () => {
      const { client, recorder, gaps, gap } = await silent();
      refuseEvents();
      client.streams[0]?.response.end();
      await delay(500);
      recorder.expectSilence(['client-1'], false);
      await gap();
      expect(gaps()[0]).toContain('client-1 cannot be heard any more');
    });

    it('is heard at once when that is over, though an attempt hangs', async () => {
      const { client, recorder, calls, gaps } = await silent();
      client.streams[0]?.response.end();
      await client.opened(2);
      recorder.expectSilence(['client-1'], false);
      await client.opened(3);
      client.write(call(0));
      await calls(1);
      await recorder.finish();
      expect(gaps()).toEqual([]);
    });

    it('is a gap when the end comes before it is heard', async () => {
      const { client, recorder, gaps } = await silent();
      client.streams[0]?.response.end();
      await client.opened(2);
      recorder.expectSilence(['client-1'], false);
      await recorder.finish();
      expect(gaps()).toEqual(['client-1 was not heard of again']);
    });
  });

  it('asks a pod that is Ready but does not listen yet again for its time', async () => {
    const client = endpoint('client-1');
    let asked = 0;
    kube.on(`${pathOf('client-1')}/time`, (_, response) => {
      asked += 1;
      if (asked === 1) json(response, 503, { message: 'connection refused' });
      else json(response, 200, { boot: 'boot-1', nowMs: nowMs() + 60_000 });
    });
    put('client-1');
    const { recorder, told, gaps } = await record();
    await client.opened(1);
    await clockKnown(client, told);
    expect(gaps()).toEqual([]);
    expect(eventsOf(await recorder.finish(), 'clock')).toHaveLength(1);
  });

  it('says when a pod cannot be heard for five seconds, once', async () => {
    const client = endpoint('client-1');
    put('client-1');
    const { calls, gaps, gap } = await record();
    await client.opened(1);
    client.write(call(0));
    await calls(1);
    const beganMs = performance.now();
    let asked = 0;
    kube.on(`${pathOf('client-1')}/events`, (_, response) => {
      asked += 1;
      json(response, 503, { message: 'no route' });
    });
    client.streams[0]?.response.end();
    await gap();
    expect(performance.now() - beganMs).toBeGreaterThan(4900);
    const askedThen = asked;
    await eventually(() => asked > askedThen + 2);
    expect(gaps()).toEqual([
      'client-1 cannot be heard any more: client-1 answered 503 to GET /events?from=1: no route',
    ]);
  });

  it('lets the stream of a pod end that leaves', async () => {
    const client = endpoint('client-1');
    put('client-1');
    const { recorder, gaps } = await record();
    await client.opened(1);
    await eventually(() => kube.watches(PODS).length === 1);
    put('client-1', { deletionTimestamp: '2026-01-01T00:00:00Z' });
    await eventually(() => recorder.pods('treatment', 'greeter-client')[0]?.terminating === true);
    client.streams[0]?.response.end();
    // A stream that is to be taken up again is asked for after a fifth of a second.
    await delay(600);
    expect(client.streams).toHaveLength(1);
    expect(gaps()).toEqual([]);
  });

  it('sees EndpointSlices as they change', async () => {
    const { told } = await record();
    await eventually(() => kube.watches(SLICES).length === 1);
    const slice = (conditions: object): V1EndpointSlice => ({
      addressType: 'IPv4',
      metadata: {
        name: 'slice-1',
        namespace: NAMESPACE,
        labels: { ...labels, 'kubernetes.io/service-name': 'greeter-treatment' },
      },
      endpoints: [{ addresses: ['10.0.0.1'], conditions, targetRef: { name: 'server-1' } }],
    });
    kube.put(SLICES, slice({}));
    kube.put(SLICES, slice({ ready: false, serving: true, terminating: true }));
    kube.remove(SLICES, 'slice-1');
    await eventually(() => eventsOf(told, 'endpoints').length === 3);
    const endpoint1 = { ip: '10.0.0.1', pod: 'server-1' };
    expect(eventsOf(told, 'endpoints').map(({ service, endpoints }) => [service, endpoints])).toEqual([
      ['greeter-treatment', [{ ...endpoint1, ready: true, serving: true, terminating: false }]],
      ['greeter-treatment', [{ ...endpoint1, ready: false, serving: true, terminating: true }]],
      ['greeter-treatment', []],
    ]);
  });
});
