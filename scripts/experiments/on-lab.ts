// A lab that is up and locked, and plans that run on it one after the other.
import { constants, setPriority } from 'node:os';
import {
  type Capability,
  chooseProvider,
  describeProblem,
  labNamed,
  type ProviderChoice,
  readClusterConfig,
  type StartedLab,
  takeLock,
  up,
} from '../cluster/index.ts';
import { say } from '../common/cli.ts';
import { LabError } from '../common/errors.ts';
import type { Live, RunDocument } from '../report/index.ts';
import type { Experiment, Plan } from './experiment.ts';
import { runPlan } from './run-plan.ts';

export type Running = {
  experiment: Experiment;
  plan: Plan;
  /** To run it again. */
  command: string;
};

export type OnLab = AsyncDisposable & {
  lab: StartedLab;
  capabilities: ReadonlySet<Capability>;
  /** What a plan needs and the lab's provider does not have. */
  lacks: (running: Running) => Capability[];
  /** @throws LabError `usage` that names what the provider lacks. */
  refuseWithout: (running: Running) => void;
  run: (running: Running, live: Live) => Promise<RunDocument>;
};

type Options = { name: string; nodeImage?: string; provider?: ProviderChoice };

/** Brings the lab up if needed. @param what takes the lock, for who finds it taken. */
export async function onLab(
  { name, nodeImage, provider: asked = 'auto' }: Options,
  what: string,
  signal: AbortSignal,
): Promise<OnLab> {
  await using taken = new AsyncDisposableStack();
  const lab = labNamed(name);
  const config = await readClusterConfig(lab);
  taken.use(await takeLock(name, `${what} (pid ${process.pid})`));
  const { provider, why } = await chooseProvider(lab, asked, nodeImage ?? process.env.LAB_NODE_IMAGE);
  if (why) say(`Provider: ${why}`);
  const started = await up(
    lab,
    { provider, config, onProblem: (problem) => say(describeProblem(problem)) },
    signal,
  );
  // It watches on the machine that it watches: where CPU is short, what it watches comes first.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  const kept = taken.move();
  const lacks = ({ plan: { needs = [] } }: Running) =>
    needs.filter((capability) => !provider.capabilities.has(capability));
  return {
    lab: started,
    capabilities: provider.capabilities,
    lacks,
    refuseWithout: (running) => {
      const missing = lacks(running);
      if (missing.length === 0) return;
      const { name: experiment } = running.experiment;
      throw new LabError(
        'usage',
        `${experiment} needs ${missing.join(', ')}, which ${provider.name} does not have`,
        { hint: 'Use another --provider, with another --name: docs/providers.md says what each can do.' },
      );
    },
    run: ({ experiment, plan, command }, live) =>
      runPlan({ lab: started, provider: provider.name, experiment, plan, command, live, signal }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
