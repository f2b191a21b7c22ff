// The answer for people, in 80 columns.
import { styleText } from 'node:util';
import wrapAnsi from 'wrap-ansi';
import type { Question } from '../facts.ts';
import type { Evidence } from '../rule.ts';
import type { Answer } from './json.ts';

type Style = Parameters<typeof styleText>[0];
type Paint = (style: Style, text: string) => string;

const COLUMNS = 80;
/** Of a value that is cited: what is longer is in the facts. */
const MOST_OF_VALUE = 400;
const SIGNS = { healthy: '✔', cause: '✖', unknown: '?' } as const;
const COLOURS = { healthy: 'green', cause: 'red', unknown: 'yellow' } as const;
const CERTAINTIES = { certain: 'red', likely: 'yellow', possible: 'dim' } as const;

/** @param stream decides about colours. */
export function describeAnswer(answer: Answer, question: Question, stream: NodeJS.WriteStream): string {
  const paint: Paint = (style, text) => styleText(style, text, { stream });
  const { verdict, causes, unexplained, unseen, facts } = answer;
  const section = (title: string, lines: string[]) =>
    lines.length === 0 ? [] : ['', paint('bold', title), ...lines];
  return [
    wrap(
      `${paint([COLOURS[verdict], 'bold'], `${SIGNS[verdict]} ${sentence(answer)}`)}  ${asked(question)}`,
      '  ',
      '',
    ),
    ...causes.flatMap((cause, index) => describeCause(cause, index + 1, paint)),
    ...section(
      'Seen, and not explained',
      unexplained.map((evidence) => cite(evidence, paint)),
    ),
    ...section(
      'Could not be checked',
      unseen.map(({ what, why }) => wrap(`– ${what}: ${paint('yellow', why)}`, '    ', '  ')),
    ),
    ...(facts === null ? [] : ['', paint('dim', `Facts: ${facts}`)]),
  ].join('\n');
}

function sentence({ verdict, causes }: Answer): string {
  if (verdict === 'healthy') return 'HEALTHY';
  if (verdict === 'unknown') return 'UNKNOWN: no cause could be named';
  return causes.length === 1 ? 'CAUSE FOUND' : `${causes.length} CAUSES FOUND`;
}

const asked = ({ namespace, service, client }: Question): string =>
  `${client.kind} ${client.namespace}/${client.name} → ${service === undefined ? 'what it dials' : `Service ${namespace}/${service}`}`;

function describeCause(
  { name, certainty, summary, evidence, against, fix }: Answer['causes'][number],
  number: number,
  paint: Paint,
): string[] {
  return [
    '',
    `${paint('bold', `${number}. ${name}`)}  ${paint(CERTAINTIES[certainty], certainty)}`,
    wrap(summary, '   '),
    ...evidence.map((each) => cite(each, paint)),
    ...(against.length > 0 ? [paint('dim', '   but:'), ...against.map((each) => cite(each, paint))] : []),
    `${paint('green', '   fix:')}`,
    ...fix.split('\n').map((line) => (isProse(line) ? wrap(line, '     ') : `     ${line}`)),
  ];
}

/** A command, or a line of YAML, is to be copied: it must not be broken. */
const isProse = (line: string): boolean =>
  !/^\s|^(?:kubectl|npm|helm|docker|\$|[-+]) ?|^[\w./-]+:( |$)/.test(line);

const cite = ({ fact, value, says }: Evidence, paint: Paint): string =>
  [
    wrap(`• ${fact}: ${paint('cyan', shortened(value))}`, '     ', '   '),
    wrap(`→ ${says}`, '       ', '     '),
  ].join('\n');

const shortened = (value: string): string =>
  value.length > MOST_OF_VALUE ? `${value.slice(0, MOST_OF_VALUE)}…` : value;

/** Also breaks what has no spaces: a value may be JSON. */
const wrap = (text: string, indent: string, first = indent): string =>
  first + wrapAnsi(text, COLUMNS - indent.length, { hard: true }).replaceAll('\n', `\n${indent}`);
