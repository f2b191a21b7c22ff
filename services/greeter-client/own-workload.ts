// What a greeter-client calls of its own accord, as any application does: its settings come from its environment.
import { z } from 'zod';
import { durationMs, wholeNumber } from '../common/env.ts';
import { type WorkloadRequest, WorkloadSpec } from '../protocol/index.ts';

/** Id of the workload. */
const OWN_WORKLOAD = 'app';

const flag = z
  .enum(['true', 'false'], { error: 'must be true or false' })
  .transform((value) => value === 'true');

/** All but the first have no effect without it. */
export const ownWorkloadEnv = {
  GREETER_TARGET: z.string().optional(),
  GREETER_STACK: WorkloadSpec.shape.stack.optional(),
  GREETER_POLICY: WorkloadSpec.shape.policy.optional(),
  GREETER_RATE_PER_SECOND: z.coerce.number().positive().max(20_000).default(20),
  GREETER_DEADLINE_MS: wholeNumber(1, 600_000).default(2000),
  GREETER_TLS: flag.default(false),
  /** Certificate authority (PEM). Default: the system's. */
  GREETER_TLS_CA: z.string().optional(),
  GREETER_METHOD: WorkloadSpec.shape.methodPath.optional(),
  GREETER_NAME_BYTES: wholeNumber(0, 64 * 1024 ** 2).default(0),
  GREETER_CHANNEL_PER: WorkloadSpec.shape.channelPer.optional(),
  GREETER_SUBCHANNEL_POOL: WorkloadSpec.shape.subchannelPool.optional(),
  GREETER_CLOSE_CHANNELS: flag.default(true),
  /** Blocks the event loop for so long, again and again with a tenth of it between: an application with other work. */
  GREETER_BUSY_MS: durationMs.default(0),
  /** The same by CPU time: the less CPU it gets, the longer it blocks. */
  GREETER_BUSY_CPU_MS: durationMs.default(0),
};
const Env = z.object(ownWorkloadEnv);

/** @returns undefined where nothing is to be called. */
export function ownWorkload(set: z.output<typeof Env>): WorkloadSpec | undefined {
  if (set.GREETER_TARGET === undefined) return undefined;
  const request: WorkloadRequest = {
    id: OWN_WORKLOAD,
    target: set.GREETER_TARGET,
    stack: set.GREETER_STACK,
    policy: set.GREETER_POLICY,
    ratePerSecond: set.GREETER_RATE_PER_SECOND,
    deadlineMs: set.GREETER_DEADLINE_MS,
    ...(set.GREETER_TLS && { tls: { ca: set.GREETER_TLS_CA } }),
    methodPath: set.GREETER_METHOD,
    nameBytes: set.GREETER_NAME_BYTES,
    channelPer: set.GREETER_CHANNEL_PER,
    subchannelPool: set.GREETER_SUBCHANNEL_POOL,
    closeChannels: set.GREETER_CLOSE_CHANNELS,
    record: false,
  };
  return WorkloadSpec.parse(request);
}
