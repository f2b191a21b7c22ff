// One stage on a lab that is brought up if needed: what `npm run experiment` does, without an experiment.
import {
  chooseProvider,
  describeProblem,
  labNamed,
  type ProviderChoice,
  readClusterConfig,
  takeLock,
  up,
} from '../cluster/index.ts';
import { say } from '../common/cli.ts';

import type { HistoryEvent } from '../history/index.ts';
import { type ArmPlan, cleanUp, type OpenStage, openStage } from '../stage/index.ts';

/** The lab that benches use. */
export const LAB = 'bench';

/** Lets `act` work on running arms, and hands over the history of it. Takes the arms away, whatever happens. */
export async function onStage(
  arms: readonly ArmPlan[],
  act: (stage: OpenStage) => Promise<void>,
  signal: AbortSignal,
  asked: ProviderChoice,
): Promise<HistoryEvent[]> {
  const lab = labNamed(LAB);
  const config = await readClusterConfig(lab);
  await using _lock = await takeLock(lab.name, `bench (pid ${process.pid})`);
  const { provider, why } = await chooseProvider(lab, asked, process.env.LAB_NODE_IMAGE);
  say(`Provider: ${why ?? provider.name}`);
  const onProblem = (problem: Parameters<typeof describeProblem>[0]) => say(describeProblem(problem));
  const started = await up(lab, { provider, config, onProblem }, signal);
  const run = `bench-${process.pid}`;
  try {
    const stage = await openStage({
      lab: started,
      run,
      arms,
      seed: 1,
      onEvent: () => {},
      onPhase: () => {},
      signal,
    });
    await act(stage);
    return await stage.close();
  } finally {
    await cleanUp({ lab: started, run });
  }
}
