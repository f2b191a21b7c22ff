// run.json: what one run was, what it found, and what to run to see it again. docs/run.schema.json is made from this.
import { z } from 'zod';

const ms = z.number().nullable();
const Verdict = z.enum(['pass', 'fail', 'unknown']).describe('unknown: the lab could not tell');

const Steps = z
  .object({
    pod: z.string(),
    node: z.string().nullable(),
    readyMs: ms,
    inEndpointSliceMs: ms,
    inDnsMs: ms.describe('null where no name was watched: a ClusterIP'),
    resolvedMs: ms.describe('by the slowest client'),
    firstCallMs: ms.describe('of the slowest client; null while one of them has not called'),
  })
  .describe('A new pod, in milliseconds since the change was asked for');

const LeavingSteps = z
  .object({
    pod: z.string(),
    node: z.string().nullable(),
    terminatingMs: ms,
    outOfEndpointSliceMs: ms,
    outOfDnsMs: ms,
    lastCallMs: ms,
    goneMs: ms,
  })
  .describe('A leaving pod, in milliseconds since the change was asked for');

const Shares = z.object({
  calls: z.int(),
  byPod: z.record(z.string(), z.int()),
  unanswered: z.int(),
});

const Failure = z.object({ code: z.string(), count: z.int(), message: z.string(), client: z.string() });

const Latency = z
  .object({
    count: z.int(),
    p50Ms: z.number(),
    p90Ms: z.number(),
    p99Ms: z.number(),
    p999Ms: z.number(),
    maxMs: z.number(),
  })
  .describe('From the intended start of a call to its end');

export const ArmResult = z.object({
  arm: z.string(),
  calls: z.int(),
  failures: z.array(Failure),
  latency: Latency.nullable(),
  before: Shares.describe('From the start of the baseline to the change'),
  after: Shares.describe('The last ten seconds of the window'),
  newPods: z.array(Steps),
  leavingPods: z.array(LeavingSteps),
  evenMs: ms.describe('When shares were seen to be even, since the change was asked for'),
});
export type ArmResult = z.infer<typeof ArmResult>;

export const ResultTable = z
  .object({
    title: z.string(),
    columns: z.array(z.string()),
    rows: z
      .array(z.array(z.string()))
      .describe('As many cells as there are columns; the first names the row'),
    heat: z
      .object({
        values: z.array(z.array(z.number().nullable())).describe('A row each, without its name'),
        tone: z.enum(['good', 'bad', 'neutral']).describe('What the largest value is'),
      })
      .optional()
      .describe('Colours of the cells, where the table is a matrix'),
  })
  .describe('Figures that this experiment is about, as they were printed');
export type ResultTable = z.infer<typeof ResultTable>;

const Axis = z.object({ label: z.string(), log: z.boolean().optional() });

export const Plot = z
  .object({
    title: z.string(),
    x: Axis,
    y: Axis,
    series: z.array(
      z.object({
        name: z.string(),
        points: z.array(z.tuple([z.number(), z.number().nullable()])).describe('x, y'),
      }),
    ),
  })
  .describe('Curves that this experiment is about');
export type Plot = z.infer<typeof Plot>;

export const RunDocument = z
  .object({
    verdict: Verdict,
    reasons: z.array(z.string()).describe('The findings that decided the verdict'),
    experiment: z.string(),
    question: z.string(),
    id: z.string().describe('Name of the run folder under .lab/runs/'),
    startedAt: z.iso.datetime(),
    durationMs: z.number(),
    command: z.string().describe('What to run to see it again'),
    parameters: z.record(z.string(), z.unknown()).describe('Durations in milliseconds'),
    prediction: z.string().describe('As it was printed before the run'),
    provider: z.string(),
    versions: z.record(z.string(), z.string()),
    findings: z.array(
      z.object({
        check: z.string(),
        arm: z.string().optional(),
        verdict: Verdict,
        message: z.string(),
        restsOn: z.string().optional(),
      }),
    ),
    arms: z.array(ArmResult),
    tables: z.array(ResultTable),
    plots: z.array(Plot).default([]),
    clockErrorMs: z.number().nullable().describe('Largest error bound of any clock in the run'),
  })
  .meta({ title: 'grpc-kind-lab run', description: 'The result of one run of an experiment' });
export type RunDocument = z.infer<typeof RunDocument>;
