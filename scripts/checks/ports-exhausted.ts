import { formatDuration } from '../common/duration.ts';
import { type Call, callsOf, failuresOf, type History, startedMs } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { unlessStarved } from './starved.ts';
import { count, describeFailures } from './words.ts';

type Params = {
  arm: string;
  /** How many the client has. */
  ports: number;
  /** Calls a second, each of which takes one for good, also those that fail later on. */
  ratePerSecond: number;
  /** Since when none should fail for another reason. */
  warmMs: number;
};

/** What Linux says to connect() when no local port is left. */
const NO_PORT = 'EADDRNOTAVAIL';
/** Of the time until it comes about. */
const MAY_BE_OFF = 0.1;
const SLACK_MS = 1000;

/** The client runs out of ports when as many calls have been made as it has, not before, and no call succeeds after. */
export function portsExhausted(history: History, { arm, ports, ratePerSecond, warmMs }: Params): Finding {
  const say = sayFor('ports-exhausted', arm);
  const calls = callsOf(history, arm).sort((a, b) => a.seq - b.seq);
  const [first, last] = [calls.at(0), calls.at(-1)];
  if (first === undefined || last === undefined) return say.unknown('no call was made');
  const predictedMs = (ports * 1000) / ratePerSecond;
  const mayBeOffMs = predictedMs * MAY_BE_OFF + SLACK_MS;
  const predicted = `predicted after ${formatDuration(predictedMs)}: ${ports} ports at ${ratePerSecond} a second`;

  const isNoPort = ({ message = '' }: Call) => message.includes(NO_PORT);
  const failed = calls.filter((call) => call.code !== 'OK' && (isNoPort(call) || startedMs(call) >= warmMs));
  const [firstFailed] = failed;
  if (firstFailed === undefined) {
    const observedMs = startedMs(last) - startedMs(first);
    const message = `none of ${count(calls.length, 'call')} in ${formatDuration(observedMs)} failed, ${predicted}`;
    return observedMs < predictedMs + mayBeOffMs ? say.unknown(message) : say.fail(message);
  }
  const afterMs = startedMs(firstFailed) - startedMs(first);
  const others = failed.filter((call) => !isNoPort(call));
  const moment = (atMs: number) => `${formatDuration(atMs - startedMs(first))} after the first call`;
  if (others.length > 0)
    return say.fail(`calls failed for other reasons: ${describeFailures(failuresOf(others), moment)}`);
  const recovered = calls.filter(({ code, seq }) => code === 'OK' && seq > firstFailed.seq).length;
  const message =
    `no port was left after ${formatDuration(afterMs)}, ${predicted}; from then on ` +
    `${count(failed.length, 'call')} failed and ${recovered} did not: ${describeFailures(failuresOf(failed), moment)}`;
  const whole = { fromMs: startedMs(first), untilMs: startedMs(last) };
  return Math.abs(afterMs - predictedMs) <= mayBeOffMs && recovered === 0
    ? say.pass(message)
    : unlessStarved(history, whole, say.fail(message));
}
