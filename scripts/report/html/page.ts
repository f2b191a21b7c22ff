// report.html: one run on one page, which needs nothing but itself.
import { formatDuration } from '../../common/duration.ts';
import type { RunDocument } from '../run-document.ts';
import type { Figure } from './figure.ts';
import { html, json, type Markup, raw } from './markup.ts';
import { armSection, resultTable } from './tables.ts';

const signs = { pass: '✔', fail: '✖', unknown: '?' } as const;
const verdicts = {
  pass: 'What was claimed is what happened, and the control behaved as it should.',
  fail: 'What was claimed is not what happened.',
  unknown: 'The lab could not tell.',
};

const groups: Record<Figure['group'], { title: string; about: string }> = {
  plot: { title: 'Curves', about: '' },
  requests: {
    title: 'Requests per pod',
    about:
      'Calls a second by the pod that answered, stacked: blue were there before the change, orange came with it.',
  },
  latency: {
    title: 'Latency',
    about: 'From the moment at which a call was due to its end: what waits to be started counts too.',
  },
  errors: { title: 'Failed calls', about: 'Calls a second that failed, by status code.' },
  connections: { title: 'Connections per pod', about: 'Open gRPC connections, as each pod counts them.' },
};

export type PageParts = {
  run: RunDocument;
  figures: readonly Figure[];
  /** Of the page itself. */
  script: string;
  style: string;
  /** Files beside the page, by what they hold. */
  files: readonly { name: string; about: string }[];
};

export function pageOf({ run, figures, script, style, files }: PageParts): string {
  const { markup } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${run.verdict}: ${run.experiment} – grpc-kind-lab</title>
<link rel="icon" href="data:,">
<style>${raw(style)}</style>
<script>
const theme = matchMedia('(prefers-color-scheme: dark)');
const follow = () => { document.documentElement.dataset.theme = theme.matches ? 'dark' : 'light'; };
follow();
theme.addEventListener('change', follow);
</script>
</head>
<body>
<header class="top"><span>grpc-kind-lab · ${run.experiment}</span><button id="theme" type="button">Light or dark</button></header>
<main>
${hero(run)}
${expectation(run)}
${figureSection('plot', figures)}
${tables(run)}
${(['requests', 'errors', 'latency', 'connections'] as const).map((group) => figureSection(group, figures))}
<section><h2>Arm by arm</h2><div class="sides">${run.arms.map(armSection)}</div></section>
${again(run, files)}
</main>
<noscript><main><p class="card">The charts need JavaScript; all else is here without it.</p></main></noscript>
<script type="application/json" id="figures">${json(figures)}</script>
<script>${raw(script.replaceAll('</script', '<\\/script'))}</script>
</body>
</html>
`;
  return markup;
}

const hero = (run: RunDocument): Markup => html`<section class="card hero ${run.verdict}">
<span class="badge">${signs[run.verdict]} ${run.verdict}</span>
<h1>${run.question}</h1>
${
  run.verdict === 'pass'
    ? html`<p>${verdicts.pass}</p>`
    : html`<p>${verdicts[run.verdict]}</p><ul>${run.reasons.map((reason) => html`<li>${reason}</li>`)}</ul>`
}
<p class="quiet">On ${run.provider}, ${run.startedAt.slice(0, 16).replace('T', ' ')} UTC, in ${formatDuration(run.durationMs)}${run.clockErrorMs === null ? '' : `; clocks known to ±${run.clockErrorMs.toFixed(1)} ms`}</p>
</section>`;

function expectation(run: RunDocument): Markup {
  const byArm = Map.groupBy(run.findings, ({ arm }) => arm ?? '');
  // Of many arms only what is not as it should be is told at once.
  const few = byArm.size <= 2;
  return html`<section class="sides" style="margin-top:14px">
<div class="card"><h2 style="margin-top:0">Predicted</h2>${paragraphs(run.prediction)}</div>
<div class="card"><h2 style="margin-top:0">Happened</h2>${[...byArm].map(([arm, findings]) => armFindings(arm, findings, few))}</div>
</section>`;
}

/** The terminal's line breaks are not the page's: what is indented deeper than the line before goes on from it. */
function paragraphs(prediction: string): Markup[] {
  const lines: string[] = [];
  let indent = 0;
  for (const line of prediction.split('\n')) {
    const own = line.length - line.trimStart().length;
    if (lines.length > 0 && own > 0 && (own > indent || !/^\s*[\w.-]+: /.test(line))) {
      lines.push(`${lines.pop()} ${line.trim()}`);
    } else {
      lines.push(line.trim());
    }
    if (/^\s*[\w.-]+: /.test(line)) indent = own;
  }
  return lines.map((line) => html`<p>${line}</p>`);
}

/** What other findings rest on says nothing about gRPC: it comes last. */
const BASIS = new Set(['history-complete', 'accounting', 'rate-held', 'steady-before', 'servers-ready']);

function armFindings(arm: string, findings: RunDocument['findings'], few: boolean): Markup {
  const verdict = worst(findings);
  const [basis, claims] = [true, false].map((is) => findings.filter(({ check }) => BASIS.has(check) === is));
  const passed = findings.filter((finding) => finding.verdict === 'pass').length;
  return html`<details class="${verdict}" ${opened(few || verdict !== 'pass')}>
<summary>${signOf(verdict)} <span class="check">${arm || 'the run'}</span> <span class="quiet">${passed} of ${findings.length} checks passed</span></summary>
${findingList(claims ?? [])}
${
  basis?.length
    ? html`<details class="${worst(basis)}" ${opened(worst(basis) !== 'pass')}><summary>${signOf(worst(basis))} <span class="quiet">What this rests on: the history is whole, the counts add up</span></summary>${findingList(basis)}</details>`
    : null
}</details>`;
}

const opened = (open: boolean): Markup => raw(open ? 'open' : '');
const signOf = (verdict: RunDocument['verdict']): Markup =>
  html`<span class="sign ${verdict}" role="img" aria-label="${verdict}">${signs[verdict]}</span>`;
const findingList = (findings: RunDocument['findings']): Markup =>
  html`<ul class="findings">${findings.map(
    ({ verdict, check, message }) =>
      html`<li class="${verdict}">${signOf(verdict)}<span><span class="check">${check}</span> ${message}</span></li>`,
  )}</ul>`;

const worst = (findings: RunDocument['findings']): RunDocument['verdict'] =>
  (['fail', 'unknown'] as const).find((verdict) => findings.some((one) => one.verdict === verdict)) ?? 'pass';

const tables = ({ tables: all }: RunDocument): Markup | null =>
  all.length === 0
    ? null
    : html`<section><h2>Figures</h2><div class="sides">${all.map(
        (table) => html`<div class="card">${resultTable(table)}</div>`,
      )}</div></section>`;

function figureSection(group: Figure['group'], figures: readonly Figure[]): Markup | null {
  const shown = figures.filter((figure) => figure.group === group);
  if (shown.length === 0) return null;
  const { title, about } = groups[group];
  return html`<section><h2>${title}</h2><p class="quiet">${about}</p><div class="grid ${shown.length > 4 ? 'many' : ''}">${shown.map(figureMarkup)}</div></section>`;
}

/** Longer legends say less than they take room: the pods of a stack are told apart as old and new. */
const MOST_IN_LEGEND = 8;

function figureMarkup(figure: Figure): Markup {
  const { id, title, summary, series } = figure;
  const legend = legendOf(series);
  return html`<figure class="card" aria-labelledby="${id}-title">
<figcaption><h3 id="${id}-title">${title}</h3><button type="button" data-csv="${id}" aria-label="Data of ${title} (${figure.group}) as CSV">CSV</button></figcaption>
<div class="chart" data-figure="${id}" role="img" aria-label="${summary}"></div>
<ul class="legend">${legend.map(({ name, index }) => html`<li><i data-series="${index}"></i>${name}</li>`)}</ul>
</figure>`;
}

function legendOf(series: Figure['series']): { name: string; index: number }[] {
  const named = series.map(({ name, role }, index) => ({ name, role, index }));
  const pods = named.filter(({ role }) => role === 'old-pod' || role === 'new-pod');
  if (pods.length === 0) return named.slice(0, MOST_IN_LEGEND);
  const kinds = [
    { role: 'old-pod', text: 'pods from before' },
    { role: 'new-pod', text: 'new pods' },
  ].flatMap(({ role, text }) => {
    const some = pods.filter((pod) => pod.role === role);
    return some[0] ? [{ name: `${some.length} ${text}`, index: some[0].index }] : [];
  });
  return [...kinds, ...named.filter(({ role }) => role === 'unanswered')];
}

function again(run: RunDocument, files: PageParts['files']): Markup {
  const entries = (record: Record<string, unknown>) =>
    Object.entries(record).map(
      ([name, value]) =>
        html`<dt>${name}</dt><dd>${typeof value === 'object' ? JSON.stringify(value) : String(value)}</dd>`,
    );
  return html`<section><h2>Run it again</h2><div class="sides">
<div class="card">
<div class="command-line"><pre class="command" tabindex="0">${run.command}</pre><button type="button" data-copy="${run.command}">Copy</button></div>
<h3>Versions</h3><dl>${entries(run.versions)}</dl>
</div>
<div class="card"><h3>Parameters</h3><dl>${entries(run.parameters)}</dl></div>
<div class="card"><h3>Raw data</h3><p class="quiet">In the folder of this run, beside this page (${run.id}):</p>
<ul>${files.map(({ name, about }) => html`<li><a href="${name}" download>${name}</a> – ${about}</li>`)}</ul></div>
</div></section>`;
}
