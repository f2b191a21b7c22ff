// What the client sees of its calls.

import type { ClientFacts } from '../facts.ts';
import { count } from '../words.ts';
import { failuresIn } from './log-failures.ts';
import type { PodView } from './pods.ts';

export type Failure = {
  code: string;
  message: string;
  count: number;
  firstMs: number | undefined;
  lastMs: number | undefined;
  /** The client's pod. */
  pod: string;
  /** Where it was read. */
  where: string;
  /** Whether calls still fail so, as far as can be told. */
  current: boolean;
};

export type Calls = {
  failures: Failure[];
  /** Those that go on, and that are not the application's own answers. */
  current: Failure[];
  /** Calls succeeded lately, and none fails any more. */
  answering: boolean;
};

/** A failure of a minute ago, in a log, is news; of a client that counts, one without a success since. */
const NEWS_MS = 60_000;
/** Failures of a client that counts are over when as long, and as many calls, succeeded since. */
const OVER_MS = 10_000;
const OVER_CALLS = 20;

/** Codes with which an application's own code answers, unless the message tells of gRPC's or a proxy's trouble. */
const BUSINESS =
  /^(INVALID_ARGUMENT|NOT_FOUND|ALREADY_EXISTS|PERMISSION_DENIED|FAILED_PRECONDITION|ABORTED|OUT_OF_RANGE|UNAUTHENTICATED)$/;
const TRANSPORT = /HTTP|deserializ|unmarshal|pars|decod|larger|maximum|proxy/i;
const isBusiness = ({ code, message }: Failure): boolean => BUSINESS.test(code) && !TRANSPORT.test(message);

/** A client that counts its calls says the same in its log: that is not read beside. */
export function callsOf(clients: readonly ClientFacts[], pods: readonly PodView[], nowMs: number): Calls {
  const counting = clients.filter(({ workloads }) => workloads.length > 0);
  const counted = counting.flatMap((client) => countedFailures(client, nowMs));
  const logged = pods
    .filter(({ name }) => !counting.some(({ pod }) => pod === name))
    .flatMap((pod) => loggedFailures(pod, nowMs));
  const failures = [...counted, ...logged].toSorted((a, b) => b.count - a.count);
  const current = failures.filter((failure) => failure.current && !isBusiness(failure));
  const lastOkMs = Math.max(
    ...counting.flatMap(({ workloads }) => workloads.map(({ status }) => okMs(status))),
  );
  return { failures, current, answering: current.length === 0 && nowMs - lastOkMs <= NEWS_MS };
}

const okMs = (status: ClientFacts['workloads'][number]['status']): number =>
  status.lastOkMs ?? Number.NEGATIVE_INFINITY;

function countedFailures({ pod, workloads }: ClientFacts, nowMs: number): Failure[] {
  return workloads
    .filter(({ status }) => status.running)
    .flatMap(({ spec, status }) =>
      status.failures.map((failure) => {
        const quietMs = Math.max(OVER_MS, (OVER_CALLS * 1000) / spec.ratePerSecond);
        const isOver = okMs(status) > failure.lastMs && nowMs - failure.lastMs > quietMs;
        return { ...failure, pod, where: `workload ${spec.id} of ${pod}`, current: !isOver };
      }),
    );
}

function loggedFailures(pod: PodView, nowMs: number): Failure[] {
  const found = new Map<string, Failure>();
  for (const { container, lines, previous } of pod.logs) {
    for (const { code, message, count, atMs } of failuresIn(lines)) {
      const key = `${container} ${code} ${message.replaceAll(/\d+/g, '#')}`;
      const known = found.get(key);
      // Lines without a time are of the last minutes: no others are gathered.
      const current = !previous && (atMs === undefined || nowMs - atMs <= NEWS_MS);
      found.set(key, {
        code,
        message: known?.message ?? message,
        count: (known?.count ?? 0) + count,
        firstMs: earlier(known?.firstMs, atMs),
        lastMs: later(known?.lastMs, atMs),
        pod: pod.name,
        where: `log of ${pod.ref} (${container})`,
        current: current || (known?.current ?? false),
      });
    }
  }
  return [...found.values()];
}

const earlier = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
const later = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);

/** `12 calls: UNAVAILABLE "…"`. */
export const describeFailure = ({ code, message, count: times }: Failure): string =>
  `${count(times, 'call')}: ${code}${message ? ` "${message}"` : ''}`;
