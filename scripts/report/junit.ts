// Runs as JUnit XML, for CI: a suite a run, a case a finding. What could not be told is an error, not a failure.
import XMLBuilder from 'fast-xml-builder';
import type { RunDocument } from './run-document.ts';

const builder = new XMLBuilder({ format: true, ignoreAttributes: false, suppressEmptyNode: true });

export function junitOf(runs: readonly RunDocument[]): string {
  const suites = runs.map((run) => {
    const { findings, experiment, id, startedAt, durationMs, verdict, reasons, question } = run;
    const cases = [
      // Findings may be weighed against each other: the run's own verdict is a case too.
      { name: question, verdict, message: verdict === 'pass' ? '' : reasons.join('; ') },
      ...findings.map(({ check, arm, verdict: found, message }) => ({
        name: [arm, check].filter(Boolean).join(' '),
        verdict: found,
        message,
      })),
    ];
    return {
      '@_name': experiment,
      '@_id': id,
      '@_timestamp': startedAt,
      '@_time': (durationMs / 1000).toFixed(3),
      '@_tests': cases.length,
      '@_failures': cases.filter((one) => one.verdict === 'fail').length,
      '@_errors': cases.filter((one) => one.verdict === 'unknown').length,
      testcase: cases.map((one) => ({
        '@_name': one.name,
        '@_classname': experiment,
        '@_time': '0',
        ...(one.verdict === 'fail' && { failure: { '@_message': one.message } }),
        ...(one.verdict === 'unknown' && { error: { '@_message': one.message } }),
        ...(one.verdict === 'pass' && one.message !== '' && { 'system-out': one.message }),
      })),
    };
  });
  return builder.build({
    '?xml': { '@_version': '1.0', '@_encoding': 'UTF-8' },
    testsuites: { testsuite: suites },
  });
}
