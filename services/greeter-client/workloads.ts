import { HttpError } from '../control-http/index.ts';
import type { WorkloadChange, WorkloadSpec, WorkloadStatus } from '../protocol/index.ts';
import type { EventLog } from './event-log.ts';
import { startWorkload, type Workload } from './workload.ts';

export type Workloads = ReturnType<typeof createWorkloads>;

/** The agent's workloads by id: those that run, and of each id that has stopped how it did. */
export function createWorkloads(pod: string, log: EventLog) {
  const workloads = new Map<string, { workload: Workload; ended: boolean }>();

  function entry(id: string) {
    const found = workloads.get(id);
    if (!found) throw new HttpError(404, `there is no workload ${id}`);
    return found;
  }

  return {
    /** @throws HttpError 409 when that id has not stopped, 400 when the stack does not take the spec. */
    start(spec: WorkloadSpec): WorkloadStatus {
      if (workloads.get(spec.id)?.ended === false) {
        throw new HttpError(409, `workload ${spec.id} is running or still stopping`);
      }
      try {
        const workload = startWorkload(spec, pod, log);
        workloads.set(spec.id, { workload, ended: false });
        return workload.status();
      } catch (error) {
        throw new HttpError(400, (error as Error).message);
      }
    },
    list: (): WorkloadStatus[] => [...workloads.values()].map(({ workload }) => workload.status()),
    status: (id: string): WorkloadStatus => entry(id).workload.status(),
    spec: (id: string): WorkloadSpec => entry(id).workload.spec,
    /** @throws HttpError 409 when it is not running. */
    change(id: string, change: WorkloadChange): WorkloadStatus {
      const { workload } = entry(id);
      if (!workload.status().running) throw new HttpError(409, `workload ${id} is not running`);
      workload.change(change);
      return workload.status();
    },
    /** Once more does no harm: the same final status. */
    async stop(id: string): Promise<WorkloadStatus> {
      const found = entry(id);
      const status = await found.workload.stop();
      found.ended = true;
      return status;
    },
    async stopAll(): Promise<void> {
      await Promise.all(workloads.values().map(({ workload }) => workload.stop()));
    },
  };
}
