// A run's result for people: what was asked, what happened to each pod, and the verdict with its reasons.
import { styleText } from 'node:util';
import Table from 'cli-table3';
import { formatDuration } from '../common/duration.ts';
import { wrap } from '../common/terminal.ts';
import type { ArmResult, RunDocument } from './run-document.ts';

type Verdict = RunDocument['verdict'];
const colours = { pass: 'green', fail: 'red', unknown: 'yellow' } as const;
const signs = { pass: '✔', fail: '✖', unknown: '?' } as const;

/** The summary, for a terminal of at least 80 columns; without colours when `stream` wants none. */
export function summarise(run: RunDocument, stream: NodeJS.WriteStream): string {
  const paint = (style: Parameters<typeof styleText>[0], text: string) => styleText(style, text, { stream });
  const verdict = (value: Verdict, text: string) => paint(colours[value], text);
  // An arm without clients has no figures of calls.
  const called = run.arms.filter(({ calls, latency }) => calls > 0 || latency !== null);
  const arms = called.flatMap((arm) => [
    '',
    paint('bold', arm.arm),
    ...(arm.newPods.length > 0 ? [newPodTable(arm)] : []),
    ...(arm.leavingPods.length > 0 ? [leavingPodTable(arm)] : []),
    ...(arm.calls === 0
      ? ['  no calls of its own']
      : [sharesLine('before', arm.before), sharesLine('after', arm.after), latencyLine(arm)]),
    ...arm.failures.map(({ code, count, message }) =>
      paint('red', wrap(`${count} × ${code}: ${message}`, '    ', '  ')),
    ),
  ]);
  const findings = run.findings.map(
    ({ check, arm, verdict: value, message }) =>
      `${verdict(value, signs[value])} ${[arm, check].filter(Boolean).join(' ')}\n${wrap(message, '    ')}`,
  );
  const tables = run.tables.flatMap(({ title, columns, rows }) => [
    '',
    wrap(paint('bold', title)),
    table(columns, rows),
  ]);
  return [
    ...arms,
    ...tables,
    '',
    paint('bold', 'Checks'),
    ...findings,
    '',
    wrap(`${verdict(run.verdict, paint('bold', run.verdict.toUpperCase()))}  ${run.question}`, '  ', ''),
    ...(run.verdict === 'pass' ? [] : run.reasons.map((reason) => wrap(reason, '  '))),
  ].join('\n');
}

const seconds = (ms: number | null): string => (ms === null ? '–' : `${(ms / 1000).toFixed(2)}`);

function table(head: string[], rows: string[][]): string {
  const made = new Table({
    head,
    colAligns: ['left', ...head.slice(1).map(() => 'right' as const)],
    style: { head: [], border: [], compact: true, 'padding-left': 1, 'padding-right': 1 },
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: ' ',
    },
  });
  made.push(...rows);
  return made.toString();
}

/** Times are seconds since the change was asked for. */
function newPodTable({ newPods, evenMs }: ArmResult): string {
  const rows = newPods.map(({ pod, readyMs, inEndpointSliceMs, inDnsMs, resolvedMs, firstCallMs }) => [
    `…${pod.slice(-5)}`,
    ...[readyMs, inEndpointSliceMs, inDnsMs, resolvedMs, firstCallMs, evenMs].map(seconds),
  ]);
  return table(['new pod (s)', 'Ready', 'in slice', 'in DNS', 'resolved', 'first call', 'even'], rows);
}

function leavingPodTable({ leavingPods, evenMs }: ArmResult): string {
  const rows = leavingPods.map(
    ({ pod, terminatingMs, outOfEndpointSliceMs, outOfDnsMs, lastCallMs, goneMs }) => [
      `…${pod.slice(-5)}`,
      ...[terminatingMs, outOfEndpointSliceMs, outOfDnsMs, lastCallMs, goneMs, evenMs].map(seconds),
    ],
  );
  return table(['leaving (s)', 'told', 'out of slice', 'out of DNS', 'last call', 'gone', 'even'], rows);
}

/** `before  5 pods: 20.0% 20.1% …` */
function sharesLine(when: string, { calls, byPod, unanswered }: ArmResult['before']): string {
  const shares = Object.values(byPod).sort((a, b) => b - a);
  const percent = (n: number) => `${((100 * n) / Math.max(1, calls)).toFixed(1)}%`;
  const range =
    shares.length === 0 ? 'none' : `${percent(shares.at(-1) ?? 0)} to ${percent(shares[0] ?? 0)} each`;
  const lost = unanswered > 0 ? `, ${unanswered} unanswered` : '';
  return `  ${when.padEnd(7)} ${String(shares.length).padStart(3)} pods called, ${range}, ${calls} calls${lost}`;
}

function latencyLine({ latency }: ArmResult): string {
  if (latency === null) return '  latency unknown';
  const { p50Ms, p99Ms, p999Ms, maxMs } = latency;
  const [p50, p99, p999, max] = [p50Ms, p99Ms, p999Ms, maxMs].map((value) => value.toFixed(1));
  return `  latency p50 ${p50} ms, p99 ${p99} ms, p99.9 ${p999} ms, max ${max} ms`;
}

export const describeRun = ({ verdict, id, durationMs }: RunDocument): string =>
  `${verdict} after ${formatDuration(durationMs)}: .lab/runs/${id}/report.html`;

/** What many runs came to, a line each; `left` are those for which the provider lacks something. */
export function summariseAll(
  runs: readonly RunDocument[],
  left: readonly { experiment: string; needs: readonly string[] }[],
  stream: NodeJS.WriteStream,
): string {
  const paint = (style: Parameters<typeof styleText>[0], text: string) => styleText(style, text, { stream });
  const lines = runs.flatMap(({ verdict, experiment, durationMs, reasons, id }) => [
    `${paint(colours[verdict], `${signs[verdict]} ${verdict.padEnd(7)}`)} ${experiment.padEnd(16)} ` +
      `${formatDuration(durationMs).padStart(7)}  .lab/runs/${id}`,
    ...(verdict === 'pass' ? [] : reasons.map((reason) => wrap(reason, '    '))),
  ]);
  const without = left.map(
    ({ experiment, needs }) => `- not here  ${experiment.padEnd(16)} it needs ${needs.join(', ')}`,
  );
  const passed = runs.filter(({ verdict }) => verdict === 'pass').length;
  const totalMs = runs.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return `${['', ...lines, ...without, '', `${passed} of ${runs.length} pass, in ${formatDuration(totalMs)}`].join('\n')}\n`;
}

/** A line a run. */
export function listRuns(runs: readonly RunDocument[], stream: NodeJS.WriteStream): string {
  return runs
    .map(({ id, verdict, durationMs, provider }) => {
      const sign = styleText(colours[verdict], `${signs[verdict]} ${verdict.padEnd(7)}`, { stream });
      return `${sign} ${id.padEnd(40)} ${provider.padEnd(8)} ${formatDuration(durationMs).padStart(7)}\n`;
    })
    .join('');
}
