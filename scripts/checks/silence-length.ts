import { formatDuration } from '../common/duration.ts';
import { type History, longestSilence, type Part, silenceMs } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { momentsOf } from './words.ts';

type Params = { arm: string; part: Part; predicted: { fromMs: number; toMs: number } };

/** The longest stretch without an answer was about as long as predicted. */
export function silenceLength(history: History, { arm, part, predicted }: Params): Finding {
  const say = sayFor('silence-length', arm);
  const silence = longestSilence(history, arm, part);
  if (silence === undefined) return say.unknown('no call was started');
  const lengthMs = silenceMs(silence, part);
  const moment = momentsOf(history, arm);
  const interval = `predicted ${formatDuration(predicted.fromMs)} to ${formatDuration(predicted.toMs)}`;
  const message =
    `no answer for ${formatDuration(lengthMs)} from ${moment(silence.fromMs)} on` +
    `${silence.toMs === undefined ? ', to the end' : ''}, ${interval}`;
  if (lengthMs > predicted.toMs) return say.fail(message);
  if (silence.toMs === undefined && lengthMs >= predicted.fromMs) return say.unknown(message);
  return lengthMs < predicted.fromMs ? say.fail(message) : say.pass(message);
}
