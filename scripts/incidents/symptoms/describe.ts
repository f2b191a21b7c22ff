// The symptoms of an incident, for people.
import { formatDuration } from '../../common/duration.ts';
import { paintOut, wrap } from '../../common/terminal.ts';
import type { Chosen, Symptoms } from '../run.ts';
import { ended, type Reading } from './reading.ts';

const MOST_MESSAGES = 2;
const LONGEST_MESSAGE = 160;

/** What a client saw, as lines for people: codes, who answered, messages. */
export function describeReading(reading: Reading): string[] {
  const { codes, failures, pods, connectionsGrown } = reading;
  const all = ended(reading);
  if (all === 0) return ['no call has ended'];
  const counts = Object.entries(codes)
    .sort(([, a], [, b]) => b - a)
    .map(([code, count]) => `${code} ${count}`)
    .join(', ');
  const answered = Object.keys(pods).length;
  const lines = [
    `${counts} of ${all} calls${answered > 0 ? `; ${answered} ${answered === 1 ? 'pod' : 'pods'} answered` : ''}`,
  ];
  for (const { code, message, count } of failures.slice(0, MOST_MESSAGES))
    lines.push(`${count} × ${code}: ${message.slice(0, LONGEST_MESSAGE)}`);
  if (connectionsGrown >= 5) lines.push(`${connectionsGrown} connections more than before`);
  return lines;
}

/** @param blind nothing of it tells which incident it is. */
export function describeSymptoms(
  { incident, name: variant }: Chosen,
  { connected, fresh, afterMs }: Symptoms,
  blind: boolean,
): string {
  const { name, symptom, variants } = incident;
  const [usual] = Object.keys(variants);
  const show = `${name} -- --show${variant === usual ? '' : ` --variant ${variant}`}`;
  return [
    blind ? 'Something is wrong.' : paintOut('bold', symptom),
    '',
    ...describe('A client that was connected', connected, blind),
    ...describe('A fresh channel', fresh, blind),
    '',
    `Shown ${formatDuration(afterMs)} after the injection began.`,
    'Why?     npm run diagnose',
    blind ? 'What?    npm run incident reveal' : `By hand: npm run incident ${show}`,
    'Undo:    npm run incident -- --heal',
  ].join('\n');
}

function describe(
  who: string,
  { expected, asExpected, reading }: Symptoms['fresh'],
  blind: boolean,
): string[] {
  const sign = asExpected ? paintOut('green', '✔') : paintOut('red', '✖');
  return [
    who,
    ...(blind ? [] : [`  ${sign} ${expected}`]),
    ...describeReading(reading).map((line) => wrap(line, '    ')),
  ];
}
