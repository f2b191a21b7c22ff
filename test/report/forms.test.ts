// A run's result in the forms that other programs take.
import { describe, expect, it } from 'vitest';
import { junitOf, markdownOf } from '../../scripts/report/index.ts';
import { documentOf } from '../support/run-document.ts';

const run = documentOf('fail', [], {
  arms: [],
  reasons: ['treatment: <b> & "quotes"'],
  findings: [
    { check: 'new-pods-served', arm: 'treatment', verdict: 'fail', message: 'a | b <i>' },
    { check: 'rate-held', arm: 'treatment', verdict: 'unknown', message: 'starved' },
    { check: 'accounting', arm: 'control', verdict: 'pass', message: 'all' },
  ],
  tables: [{ title: 'Shares', columns: ['', 'x|y'], rows: [['row', '1']] }],
});

describe('Markdown', () => {
  it('has the verdict, its reasons, the checks and the tables', () => {
    const text = markdownOf(run);
    expect(text).toMatch(/^## ❌ scale: fail\n\n\*\*Do replicas/);
    expect(text).toContain('\n- treatment: \\<b\\> & "quotes"\n');
    expect(text).toMatch(/^\| ❌ +\| treatment new-pods-served \| a \\\| b \\<i\\> +\|$/m);
    expect(text).toMatch(/### Shares\n\n\| +\| x\\\|y \|\n/);
    expect(text).toContain('Run it again: `npm run experiment scale`');
  });

  it('gives no reasons where there is nothing to explain', () => {
    expect(markdownOf({ ...run, verdict: 'pass' })).not.toContain('quotes');
  });
});

describe('JUnit XML', () => {
  const xml = junitOf([run, documentOf('pass', [], { arms: [], findings: [] })]);

  it('is a suite a run, with the verdict and a case a finding', () => {
    expect(xml).toMatch(/^<\?xml version="1.0" encoding="UTF-8"\?>\n<testsuites>/);
    expect(xml).toContain('tests="4" failures="2" errors="1"');
    expect(xml).toContain('tests="1" failures="0" errors="0"');
    expect(xml.match(/<testcase /g)).toHaveLength(5);
  });

  it('tells what could not be told from what failed, and escapes what is said', () => {
    expect(xml).toContain('<failure message="a | b &lt;i&gt;"/>');
    expect(xml).toContain('<failure message="treatment: &lt;b&gt; &amp; &quot;quotes&quot;"/>');
    expect(xml).toContain('<error message="starved"/>');
    expect(xml).toContain('<system-out>all</system-out>');
  });
});
