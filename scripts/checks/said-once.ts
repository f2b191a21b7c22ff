import { eventsOf, type History, type Part, placesOf } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, listOf } from './words.ts';

/**
 * Every client said a thing, in its log, and said it once.
 *
 * @param part in which it is to say so no more than once; when the part begins it may have said it already. Default:
 * the whole run, and exactly once.
 */
export function saidOnce(
  history: History,
  { arm, text, part }: { arm: string; text: string; part?: Part },
): Finding {
  const say = sayFor('said-once', arm);
  const { clients } = placesOf(history, arm);
  const lines = eventsOf(history, 'log').filter((line) => line.arm === arm);
  if (clients.length === 0 || lines.length === 0) return say.unknown('no log was read');
  const { fromMs, untilMs } = part ?? { fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY };
  const times = clients.map(({ client }) => {
    const own = lines.filter(
      ({ source, atMs, text: its }) => source === client && atMs < untilMs && its.includes(text),
    );
    const within = own.filter(({ atMs }) => atMs >= fromMs).length;
    return { client, said: within || Math.min(1, own.length) };
  });
  const wrong = times.filter(({ said }) => said !== 1);
  if (wrong.length > 0) {
    return say.fail(
      `"${text}" was said by ${listOf(wrong.map(({ client, said }) => `${client} ${said} times`))}`,
    );
  }
  return say.pass(`${count(clients.length, 'client')} said once: "${text}"`);
}
