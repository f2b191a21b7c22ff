// A run's result in Markdown: for a pull request, an incident's page, a chat.
import { markdownTable } from 'markdown-table';
import { formatDuration } from '../common/duration.ts';
import type { RunDocument } from './run-document.ts';

const signs = { pass: '✅', fail: '❌', unknown: '❔' } as const;

export function markdownOf(run: RunDocument): string {
  const { verdict, question, experiment, reasons, findings, tables, provider, versions } = run;
  const sections = [
    `## ${signs[verdict]} ${experiment}: ${verdict}`,
    `**${question}**`,
    ...(verdict === 'pass' ? [] : [reasons.map((reason) => `- ${escaped(reason)}`).join('\n')]),
    markdownTable([
      ['', 'check', 'what was seen'],
      ...findings.map(({ check, arm, verdict: found, message }) => [
        signs[found],
        [arm, check].filter(Boolean).join(' '),
        escaped(message),
      ]),
    ]),
    ...tables.map(
      ({ title, columns, rows }) =>
        `### ${title}\n\n${markdownTable(
          [columns, ...rows].map((row) => row.map(escaped)),
          { align: ['l', ...columns.slice(1).map(() => 'r')] },
        )}`,
    ),
    `On ${provider}, Kubernetes ${versions.kubernetes ?? 'unknown'}, in ${formatDuration(run.durationMs)}. Run it again: \`${run.command}\``,
  ];
  return `${sections.join('\n\n')}\n`;
}

/** What would end a table's cell, or begin markup. */
const escaped = (text: string): string => text.replaceAll(/[|<>*_`\\]/g, '\\$&').replaceAll('\n', ' ');
