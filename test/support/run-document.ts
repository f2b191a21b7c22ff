// Documents of runs that never were, for what shows them.
import { armResult, type RunDocument } from '../../scripts/report/index.ts';
import { complete } from './complete-history.ts';
import { ARM, scaleOut } from './history.ts';

export const LONG = 'a sentence with figures that goes on and on, as findings do, '.repeat(4).trim();

export const SCALED_OUT = complete(scaleOut(3000));

export const documentOf = (
  verdict: RunDocument['verdict'],
  history = SCALED_OUT,
  rest: Partial<RunDocument> = {},
): RunDocument => ({
  verdict,
  reasons: [`treatment: ${LONG}`],
  experiment: 'scale',
  question: 'Do replicas that are added to a running service get their share of the calls?',
  id: `test-${process.pid}`,
  startedAt: new Date(0).toISOString(),
  durationMs: 65_000,
  command: 'npm run experiment scale',
  parameters: { from: 5, to: 10, maxConnectionAgeMs: undefined },
  prediction: 'From here to there',
  provider: 'kind',
  versions: { node: 'v24.0.0' },
  findings: [
    { check: 'new-pods-served', arm: 'treatment', verdict, message: LONG },
    { check: 'infrastructure', verdict: 'unknown', message: 'short', restsOn: 'history-complete' },
  ],
  arms: [armResult(history, ARM)],
  tables: [],
  plots: [],
  clockErrorMs: 1,
  ...rest,
});
