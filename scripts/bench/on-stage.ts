// One stage on a lab that is brought up if needed: what `npm run experiment` does, without an experiment.
import type { ProviderChoice } from '../cluster/index.ts';
import { onLab } from '../experiments/index.ts';
import type { HistoryEvent } from '../history/index.ts';
import { type ArmPlan, cleanUp, type OpenStage, openStage } from '../stage/index.ts';

/** The lab that benches use. */
export const LAB = 'bench';

/** Lets `act` work on running arms, and hands over the history of it. Takes the arms away, whatever happens. */
export async function onStage(
  arms: readonly ArmPlan[],
  act: (stage: OpenStage) => Promise<void>,
  signal: AbortSignal,
  provider: ProviderChoice,
): Promise<HistoryEvent[]> {
  await using on = await onLab({ name: LAB, provider }, 'bench', signal);
  const run = `bench-${process.pid}`;
  try {
    const stage = await openStage({
      lab: on.lab,
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
    await cleanUp({ lab: on.lab, run });
  }
}
