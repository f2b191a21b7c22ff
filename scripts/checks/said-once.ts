import { eventsOf, type History, type Part, placesOf } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, listOf } from './words.ts';

type SaidOnceOptions = { arm: string; text: string; part?: Part; sinceMs?: number };

const ALWAYS: Part = { fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY };

/**
 * Every client said a thing, in its log, and said it once.
 *
 * @param options.part in which it is to say so no more than once. Default: the whole run.
 * @param options.sinceMs when it may have said it already, as often as it likes, before the part. Default: not before.
 */
export function saidOnce(
  history: History,
  { arm, text, part = ALWAYS, sinceMs = part.fromMs }: SaidOnceOptions,
): Finding {
  const say = sayFor('said-once', arm);
  const { clients } = placesOf(history, arm);
  const lines = eventsOf(history, 'log').filter((line) => line.arm === arm);
  if (clients.length === 0 || lines.length === 0) return say.unknown('no log was read');
  const times = clients.map(({ client }) => {
    const saidMs = lines
      .filter((line) => line.source === client && line.text.includes(text))
      .map(({ atMs }) => atMs);
    const within = saidMs.filter((atMs) => atMs >= part.fromMs && atMs < part.untilMs).length;
    const before = saidMs.some((atMs) => atMs >= sinceMs && atMs < part.fromMs);
    return { client, said: within === 0 && before ? 1 : within };
  });
  const wrong = times.filter(({ said }) => said !== 1);
  if (wrong.length > 0) {
    return say.fail(
      `"${text}" was said by ${listOf(wrong.map(({ client, said }) => `${client} ${said} times`))}`,
    );
  }
  return say.pass(`${count(clients.length, 'client')} said once: "${text}"`);
}
