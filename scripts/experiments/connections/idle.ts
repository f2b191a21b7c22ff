// A channel that nobody calls on any more, with a short idle time-out and with the default.
import { idleClosed, idleKept, idleTime } from '../../checks/index.ts';
import { formatDuration } from '../../common/duration.ts';
import type { History } from '../../history/index.ts';
import type { ResultTable } from '../../report/index.ts';
import { type Aspect, armOf, loadedPart, noneFailed } from './aspect.ts';
import { claimed, DEFAULT_IDLE_MS, type Parameters, POOL_CHECK_MS } from './parameters.ts';

const TREATMENT = 'idle-timeout';
const CONTROL = 'idle-default';
const RATE = 10;

export function idle(parameters: Parameters): Aspect {
  const { idleTimeoutMs, deadlineMs } = parameters;
  const fromMs = claimed('idleTimeoutMs', parameters);
  const toMs = fromMs + POOL_CHECK_MS;
  const client = { ratePerSecond: RATE, deadlineMs };
  const channelOptions =
    idleTimeoutMs === 'off' ? {} : { 'grpc.client_idle_timeout_ms': Math.round(idleTimeoutMs) };
  const window = `${formatDuration(fromMs)} to ${formatDuration(toMs)}`;
  const predicted = {
    [TREATMENT]: window,
    [CONTROL]: `after ${formatDuration(DEFAULT_IDLE_MS)}`,
  };
  return {
    arms: [
      armOf(TREATMENT, { ...client, channelOptions }, { fallsQuiet: true }),
      armOf(CONTROL, client, { fallsQuiet: true }),
    ],
    prediction: [
      idleTimeoutMs === 'off'
        ? `${TREATMENT}: its idle time-out is the default, and its connection stays: this fails.`
        : `${TREATMENT}: ${window} after the last call its connection is closed: the channel lets go of it after the ` +
          `time-out, and the pool looks for such every ${formatDuration(POOL_CHECK_MS)}. ` +
          `${CONTROL} (control) keeps it: ${formatDuration(DEFAULT_IDLE_MS)} is the default.`,
    ],
    treatment: [TREATMENT],
    control: CONTROL,
    claims: (history) => {
      const { untilMs } = loadedPart(history);
      return [
        idleClosed(history, { arm: TREATMENT, untilMs, fromMs, toMs }),
        idleKept(history, { arm: CONTROL, untilMs, forMs: toMs }),
        ...[TREATMENT, CONTROL].map((arm) => noneFailed(history, arm)),
      ];
    },
    tables: (history) => [idleTable(history, predicted)],
  };
}

function idleTable(history: History, predicted: Readonly<Record<string, string>>): ResultTable {
  return {
    title: 'The connection after the last call',
    columns: ['', 'closed', 'open in the end', 'predicted'],
    rows: Object.entries(predicted).map(([arm, when]) => {
      const seen = idleTime(history, { arm, ...loadedPart(history) });
      if (typeof seen === 'string') return [arm, '–', '–', when];
      const { closedAfterMs, observedMs, open } = seen;
      const closed =
        closedAfterMs === undefined
          ? `not in ${formatDuration(observedMs)}`
          : `after ${formatDuration(closedAfterMs)}`;
      return [arm, closed, `${open}`, when];
    }),
  };
}
