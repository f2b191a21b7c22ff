import { z } from 'zod';
import { parseEnv, port, wholeNumber } from '../common/env.ts';
import { identityEnv } from '../common/identity.ts';
import { CONTROL_PORT } from '../protocol/index.ts';
import { ownWorkload, ownWorkloadEnv } from './own-workload.ts';

const Env = z.object({
  ...identityEnv,
  CONTROL_PORT: port.default(CONTROL_PORT),
  /** Events kept for readers; older ones are thrown away. 200 000 are some 60 MB, or 100 s at 2000 calls/s. */
  EVENTS_KEPT: wholeNumber(1, 10_000_000).default(200_000),
  ...ownWorkloadEnv,
});

/** @throws Error with one line that names what is wrong. */
export function readConfig(env: NodeJS.ProcessEnv) {
  const set = parseEnv(Env, env);
  return {
    identity: { pod: set.POD_NAME, node: set.NODE_NAME },
    podIp: set.POD_IP,
    token: set.LAB_TOKEN,
    host: set.BIND_ADDRESS,
    controlPort: set.CONTROL_PORT,
    eventsKept: set.EVENTS_KEPT,
    ownWorkload: ownWorkload(set),
    busyMs: set.GREETER_BUSY_MS,
    busyCpuMs: set.GREETER_BUSY_CPU_MS,
  };
}
