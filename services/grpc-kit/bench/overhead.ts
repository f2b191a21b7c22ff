// What a call of grpc-kit costs beside one of bare grpc-js, with the same policies. Run with the address of a greeter and
// the number of pairs. A JSON line on stdout for each pair: CPU per call, in microseconds.
//
// One process is quicker than another by more than what is to be measured, and so is one second than another. So both
// clients are in one process and take turns many times a second. Calls start ten at a time: one at a time, chance
// decides how many share a wake-up, and a wake-up costs more than what is to be measured.
import { credentials, Metadata } from '@grpc/grpc-js';
import { GreeterClient, GreeterService } from '../../gen/greet.ts';
import { createClient } from '../src/index.ts';

const [target = '', pairs = '10'] = process.argv.slice(2);
const EVERY_MS = 10;
const AT_ONCE = 10;
const TICKS = 5;
const BUSY_CALLS = 2000;
const IN_FLIGHT = 32;
const DEADLINE_MS = 2000;
const request = { name: '' };

const kit = createClient(GreeterService, target, { retry: { maxAttempts: 3 }, deadlineMs: DEADLINE_MS });
const retryPolicy = {
  maxAttempts: 3,
  initialBackoff: '0.050s',
  maxBackoff: '1s',
  backoffMultiplier: 2,
  retryableStatusCodes: ['UNAVAILABLE'],
};
const bare = new GreeterClient(target, credentials.createInsecure(), {
  'grpc.service_config': JSON.stringify({
    loadBalancingConfig: [{ round_robin: {} }],
    methodConfig: [{ name: [{}], retryPolicy }],
  }),
  'grpc.use_local_subchannel_pool': 1,
});

const callKit = (): Promise<unknown> => kit.sayHello(request);
const callBare = (): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + DEADLINE_MS };
    bare.sayHello(request, new Metadata(), options, (error, response) => {
      if (error) reject(error);
      else resolve(response);
    });
  });

/** As an application calls: a thousand a second. */
async function paced(call: () => Promise<unknown>): Promise<number> {
  const started: Promise<unknown>[] = [];
  for (let tick = 0; tick < TICKS; tick += 1) {
    for (let each = 0; each < AT_ONCE; each += 1) started.push(call());
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
  return (await Promise.all(started)).length;
}

/** As fast as it goes: the caches stay warm, and what is left is the work. */
async function busy(call: () => Promise<unknown>): Promise<number> {
  let left = BUSY_CALLS;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await call();
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  return BUSY_CALLS;
}

const turns = { paced: { take: paced, count: 200 }, busy: { take: busy, count: 30 } };

async function pair(load: keyof typeof turns, kitFirst: boolean) {
  const { take, count } = turns[load];
  const sums = { kit: { cpuUs: 0, calls: 0 }, bare: { cpuUs: 0, calls: 0 } };
  for (let each = 0; each < count; each += 1) {
    const order = kitFirst === (each % 2 === 0) ? (['kit', 'bare'] as const) : (['bare', 'kit'] as const);
    for (const which of order) {
      const before = process.cpuUsage();
      sums[which].calls += await take(which === 'kit' ? callKit : callBare);
      const { user, system } = process.cpuUsage(before);
      sums[which].cpuUs += user + system;
    }
  }
  return { load, kitUs: sums.kit.cpuUs / sums.kit.calls, bareUs: sums.bare.cpuUs / sums.bare.calls };
}

for (const load of ['paced', 'busy'] as const) {
  // Young code is slow, and not to be counted.
  await pair(load, true);
  for (let each = 0; each < Number(pairs); each += 1)
    process.stdout.write(`${JSON.stringify(await pair(load, each % 2 === 0))}\n`);
}
await kit.close();
bare.close();
