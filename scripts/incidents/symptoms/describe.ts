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
