// The parameters of a connection-age run, and what is refused.
import { formatDuration } from '../../common/duration.ts';
import { LabError } from '../../common/errors.ts';
import type { Yours } from './model.ts';

export type Options = {
  ages: readonly number[];
  floor: number;
  floors: readonly number[];
  servers: number;
  added: number;
  clients: number;
  rate: number;
  steady: number;
  warmup: number;
  deadline: number;
  yourReplicas: number;
  yourClients: number;
  yourRate: number;
  yourFloor: number;
  yourTarget: number;
  seed: number;
};

export type Parameters = {
  /** Max connection ages, an arm for each, with `dnsFloorMs`. */
  agesMs: readonly number[];
  dnsFloorMs: number;
  /** Floors, an arm for each, with the second of the ages. */
  floorsMs: readonly number[];
  /** Of each arm: server replicas before, how many come, client pods. */
  servers: number;
  added: number;
  clients: number;
  ratePerSecond: number;
  startSpreadMs: number;
  warmupMs: number;
  /** For what reconnecting costs, before anything changes. */
  steadyMs: number;
  deadlineMs: number;
  /** What an answer is wanted for. */
  yours: Yours;
  seed: number;
};

export const parametersOf = (options: Options): Parameters => ({
  agesMs: options.ages.toSorted((a, b) => a - b),
  dnsFloorMs: options.floor,
  floorsMs: options.floors.toSorted((a, b) => a - b),
  servers: options.servers,
  added: options.added,
  clients: options.clients,
  ratePerSecond: options.rate,
  startSpreadMs: Math.min(10_000, Math.max(...options.ages)),
  warmupMs: options.warmup,
  steadyMs: options.steady,
  deadlineMs: options.deadline,
  yours: {
    replicas: options.yourReplicas,
    clients: options.yourClients,
    ratePerSecond: options.yourRate,
    dnsFloorMs: options.yourFloor,
    targetMs: options.yourTarget,
  },
  seed: options.seed,
});

const SHORTEST_AGE_MS = 500;

/** Runs whose verdict could only be `unknown`, or would show nothing, are refused before they cost minutes. */
export function refuseWhatTellsNothing({ agesMs, dnsFloorMs, floorsMs, steadyMs }: Parameters): void {
  const refuse = (message: string, hint: string) => new LabError('usage', message, { hint });
  const [shortest = 0, second] = agesMs;
  if (new Set(agesMs).size < agesMs.length || second === undefined) {
    throw refuse('--ages wants two ages or more, each once', 'Write them as 1s,5s,15s.');
  }
  if (shortest < SHORTEST_AGE_MS) {
    throw refuse(
      `--ages ${formatDuration(shortest)}: nothing but reconnecting would be seen`,
      `Take ${formatDuration(SHORTEST_AGE_MS)} or more.`,
    );
  }
  if (floorsMs.some((floorMs) => floorMs <= dnsFloorMs)) {
    throw refuse(
      `--floors holds one that is not above --floor ${formatDuration(dnsFloorMs)}`,
      'It would be the same arm again, or hidden by it.',
    );
  }
  if (steadyMs < 3 * shortest) {
    throw refuse(
      `--steady ${formatDuration(steadyMs)} is too short to see what an age of ${formatDuration(shortest)} costs`,
      `It takes three ages: ${formatDuration(3 * shortest)} or more.`,
    );
  }
}
