import { eventsOf, type History, placesOf } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, listOf } from './words.ts';

/** Every client said a thing, in its log, and said it once. */
export function saidOnce(history: History, { arm, text }: { arm: string; text: string }): Finding {
  const say = sayFor('said-once', arm);
  const { clients } = placesOf(history, arm);
  const lines = eventsOf(history, 'log').filter((line) => line.arm === arm);
  if (clients.length === 0 || lines.length === 0) return say.unknown('no log was read');
  const times = clients.map(({ client }) => ({
    client,
    said: lines.filter((line) => line.source === client && line.text.includes(text)).length,
  }));
  const wrong = times.filter(({ said }) => said !== 1);
  if (wrong.length > 0) {
    return say.fail(
      `"${text}" was said by ${listOf(wrong.map(({ client, said }) => `${client} ${said} times`))}`,
    );
  }
  return say.pass(`${count(clients.length, 'client')} said once: "${text}"`);
}
