// Faults with their marks in the history.
import { nowMs } from '../common/clock.ts';
import type { Fault } from '../faults/index.ts';
import type { FaultMark } from '../history/index.ts';
import type { Recorder } from '../workload/index.ts';

export function markedFaults(recorder: Pick<Recorder, 'note' | 'expectRestarts' | 'expectSilence'>) {
  const mark = ({ name, arm, detail, pods }: Fault, phase: FaultMark['phase']) =>
    recorder.note({
      type: 'fault',
      fault: name,
      arm,
      detail,
      phase,
      ...(pods && { pods }),
      atMs: nowMs(),
      source: 'driver',
    });
  return {
    async inject(faults: readonly Fault[]): Promise<void> {
      await Promise.all(
        faults.map(async (fault) => {
          mark(fault, 'inject-asked');
          recorder.expectRestarts(fault.restarts ?? []);
          recorder.expectSilence(fault.silences ?? [], true);
          await fault.inject();
          mark(fault, 'inject-done');
        }),
      );
    },
    /** All of them, also when one refuses to be healed. */
    async heal(faults: readonly Fault[]): Promise<void> {
      const healed = await Promise.allSettled(
        faults.map(async (fault) => {
          mark(fault, 'heal-asked');
          await fault.heal();
          recorder.expectSilence(fault.silences ?? [], false);
          mark(fault, 'heal-done');
        }),
      );
      const failed = healed.find((each) => each.status === 'rejected');
      if (failed) throw failed.reason;
    },
  };
}
