// A server that stands still with its connections open, seen by clients with keepalive and without.
import { blackHole, blackHoleOf, noFailedCall } from '../../checks/index.ts';
import { formatDuration } from '../../common/duration.ts';
import { eventsOf, type History, type Part } from '../../history/index.ts';
import type { ResultTable } from '../../report/index.ts';
import { type Aspect, armOf, PROBES, warmMs } from './aspect.ts';
import { claimed, FROZEN_RATE, NOTICE_SLACK_MS, type Parameters } from './parameters.ts';

/** The arm whose servers both clients call. */
export const FROZEN = 'keepalive';
const CONTROL = 'no-keepalive';
const SERVERS = 2;
/** A call in flight, or a ping on its way, when the freeze begins. */
const SHORTLY_MS = 500;
/** For the frozen server to work off what has come, and for those who have left it to come back. */
const SETTLE_MS = 1500;

type Expected = { fromMs: number; toMs: number };

export function frozen(parameters: Parameters): Aspect {
  const { keepaliveMs, keepaliveTimeoutMs, deadlineMs } = parameters;
  const client = { ratePerSecond: FROZEN_RATE, deadlineMs };
  const channelOptions =
    keepaliveMs === 'off'
      ? {}
      : { 'grpc.keepalive_time_ms': keepaliveMs, 'grpc.keepalive_timeout_ms': keepaliveTimeoutMs };
  const expected = expectedOf(parameters);
  return {
    arms: [
      armOf(
        FROZEN,
        { ...client, channelOptions },
        {
          servers: SERVERS,
          // Nobody but the clients themselves is to notice.
          serverProbes: { ...PROBES, readinessProbe: null },
        },
      ),
      armOf(CONTROL, client, { serversOf: FROZEN }),
    ],
    prediction: predictionOf(parameters, expected),
    treatment: [FROZEN],
    control: CONTROL,
    claims: (history) => {
      const part = frozenPart(history, parameters);
      return Object.entries(expected).flatMap(([arm, interval]) => [
        blackHole(history, { arm, part, cause: 'the freeze', ...interval, share: 1 / SERVERS }),
        noFailedCall(history, {
          arm,
          fromMs: warmMs(history),
          untilMs: part.fromMs - SHORTLY_MS,
        }),
        noFailedCall(history, {
          arm,
          fromMs: part.untilMs + SETTLE_MS,
          untilMs: Number.POSITIVE_INFINITY,
        }),
      ]);
    },
    tables: (history) => [frozenTable(history, frozenPart(history, parameters), expected)],
  };
}

/** From the freeze to the start of the last call that is lost. */
function expectedOf(parameters: Parameters): Record<string, Expected> {
  const { keepaliveTimeoutMs, freezeMs, deadlineMs } = parameters;
  return {
    // A ping may be on its way already, or its time may have just begun.
    [FROZEN]: {
      fromMs: keepaliveTimeoutMs - SHORTLY_MS,
      toMs: claimed('keepaliveMs', parameters) + keepaliveTimeoutMs + NOTICE_SLACK_MS,
    },
    // What is sent later is answered in time, when it is over.
    [CONTROL]: { fromMs: freezeMs - deadlineMs - SHORTLY_MS, toMs: freezeMs },
  };
}

function predictionOf(parameters: Parameters, expected: Record<string, Expected>): string[] {
  const { keepaliveMs, keepaliveTimeoutMs, freezeMs, deadlineMs } = parameters;
  const [noticed, over] = [FROZEN, CONTROL].map((arm) => spanOf(expected[arm]));
  const share = `1 of ${SERVERS} calls`;
  return [
    `One of ${SERVERS} servers stands still for ${formatDuration(freezeMs)}, its connections open. ${CONTROL} (control): ` +
      `${share} is lost (DEADLINE_EXCEEDED) for ${over}: all but the last ${formatDuration(deadlineMs)}, a deadline, of it.`,
    keepaliveMs === 'off'
      ? `${FROZEN}: its keepalive is off, too: this fails.`
      : `${FROZEN}: the same for ${noticed}: up to ${formatDuration(keepaliveMs)} until the next ping, ` +
        `${formatDuration(keepaliveTimeoutMs)} for its answer. Then calls under way fail with UNAVAILABLE, and the other ` +
        'server gets all.',
  ];
}

const spanOf = (interval: Expected | undefined): string =>
  interval === undefined ? 'ever' : `${formatDuration(interval.fromMs)} to ${formatDuration(interval.toMs)}`;

function frozenPart(history: History, { freezeMs }: Parameters): Part {
  const frozen = eventsOf(history, 'fault').find(
    ({ fault, phase }) => fault === 'freeze' && phase === 'inject-asked',
  );
  const fromMs = frozen?.atMs ?? Number.NEGATIVE_INFINITY;
  return { fromMs, untilMs: fromMs + freezeMs };
}

function frozenTable(history: History, part: Part, expected: Record<string, Expected>): ResultTable {
  return {
    title: 'One server frozen: calls that were lost, and for how long',
    columns: ['', 'lost', 'how', 'black hole', 'predicted'],
    rows: Object.entries(expected).map(([arm, interval]) => {
      const seen = blackHoleOf(history, arm, part);
      if (seen === undefined) return [arm, '–', '–', '–', spanOf(interval)];
      const { calls, lost, lostForMs, failures } = seen;
      return [
        arm,
        `${lost} of ${calls}`,
        failures.map(({ code }) => code).join(', ') || '–',
        lostForMs === undefined ? 'none' : formatDuration(lostForMs),
        spanOf(interval),
      ];
    }),
  };
}
