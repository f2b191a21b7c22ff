// The page's tables: what an experiment shows beside its charts, and how each arm did.
import type { ArmResult, ResultTable } from '../run-document.ts';
import { html, type Markup } from './markup.ts';

export function resultTable({ title, columns, rows, heat }: ResultTable): Markup {
  const values = (heat?.values ?? []).flat().filter((value) => value !== null);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const shareOf = (value: number) => (most === least ? 0 : (value - least) / (most - least));
  const cell = (text: string, row: number, column: number) => {
    const value = heat?.values[row]?.[column];
    if (heat === undefined || value === undefined || value === null) return html`<td>${text}</td>`;
    return html`<td class="heat heat-${heat.tone}" style="--share:${shareOf(value).toFixed(3)}">${text}</td>`;
  };
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${title}"><table>
<caption>${title}</caption>
<thead><tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([head, ...cells], row) =>
      html`<tr><th scope="row">${head}</th>${cells.map((text, column) => cell(text, row, column))}</tr>`,
  )}</tbody></table></div>`;
}

const seconds = (ms: number | null): string => (ms === null ? '–' : (ms / 1000).toFixed(2));
const millis = (ms: number): string => ms.toFixed(1);

function callsLine({ calls, failures }: ArmResult): string {
  if (calls === 0) return 'no calls of its own';
  const failed = failures.map(({ code, count }) => `${count} ${code}`).join(', ');
  return `${calls.toLocaleString('en-US')} calls, ${failed || 'none failed'}`;
}

export function armSection(arm: ArmResult): Markup {
  const { newPods, leavingPods, latency, failures, evenMs } = arm;
  return html`<div class="card"><h3>${arm.arm}</h3>
<p class="quiet">${callsLine(arm)}</p>
${latency === null ? null : resultTable({ title: 'Latency (ms)', columns: ['', 'p50', 'p90', 'p99', 'p99.9', 'max'], rows: [['all calls', millis(latency.p50Ms), millis(latency.p90Ms), millis(latency.p99Ms), millis(latency.p999Ms), millis(latency.maxMs)]] })}
${
  newPods.length === 0
    ? null
    : resultTable({
        title: `New pods, in seconds since the change${evenMs === null ? '' : `; even after ${seconds(evenMs)}`}`,
        columns: ['pod', 'Ready', 'in slice', 'in DNS', 'resolved', 'first call'],
        rows: newPods.map((pod) => [
          pod.pod,
          ...[pod.readyMs, pod.inEndpointSliceMs, pod.inDnsMs, pod.resolvedMs, pod.firstCallMs].map(seconds),
        ]),
      })
}
${
  leavingPods.length === 0
    ? null
    : resultTable({
        title: 'Leaving pods, in seconds since the change',
        columns: ['pod', 'told', 'out of slice', 'out of DNS', 'last call', 'gone'],
        rows: leavingPods.map((pod) => [
          pod.pod,
          ...[pod.terminatingMs, pod.outOfEndpointSliceMs, pod.outOfDnsMs, pod.lastCallMs, pod.goneMs].map(
            seconds,
          ),
        ]),
      })
}
${failures.map(({ code, count, message }) => html`<p><strong>${count} × ${code}</strong>: ${message}</p>`)}
</div>`;
}
