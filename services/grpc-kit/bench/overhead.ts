// What a call of grpc-kit costs beside one of bare grpc-js, with the same policies. Run with the address of a greeter and
// the number of pairs. A JSON line on stdout for each pair: CPU per call, in microseconds, and as the control that of a
// second client of bare grpc-js.
//
// One process is quicker than another by more than what is to be measured, and so is one second than another. So the
// clients are in one process and take turns. Calls start ten at a time: one at a time, chance decides how many share a
// wake-up, and a wake-up costs more than what is to be measured. A third of the CPU goes into collecting garbage, a
// few times a turn: so each turn collects its own at its end, and turns differ in length, for no client to have its
// collections always in the other's turns.
import { credentials, Metadata } from '@grpc/grpc-js';
import { GreeterClient, GreeterService } from '../../gen/greet.ts';
import { createClient } from '../src/index.ts';

const [target = '', pairs = '10'] = process.argv.slice(2);
const EVERY_MS = 10;
const AT_ONCE = 10;
const TICKS = 100;
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
const bareOptions = {
  'grpc.service_config': JSON.stringify({
    loadBalancingConfig: [{ round_robin: {} }],
    methodConfig: [{ name: [{}], retryPolicy }],
  }),
  'grpc.use_local_subchannel_pool': 1,
  'grpc.service_config_disable_resolution': 1,
};
const bare = new GreeterClient(target, credentials.createInsecure(), bareOptions);
const control = new GreeterClient(target, credentials.createInsecure(), bareOptions);

/** What died young. */
function collect(): void {
  if (!globalThis.gc) throw new Error('needs --expose-gc');
  globalThis.gc({ type: 'minor' });
}

const callWith = (client: GreeterClient) => (): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + DEADLINE_MS };
    client.sayHello(request, new Metadata(), options, (error, response) => {
      if (error) reject(error);
      else resolve(response);
    });
  });

const shuffled = <T>(all: readonly T[]): T[] =>
  all
    .map((each) => ({ each, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ each }) => each);

/** A whole number from half of it to half as much again. */
const about = (mean: number): number => Math.round(mean * (0.5 + Math.random()));

/** As an application calls: a thousand a second. */
async function paced(call: () => Promise<unknown>): Promise<number> {
  const started: Promise<unknown>[] = [];
  const ticks = about(TICKS);
  for (let tick = 0; tick < ticks; tick += 1) {
    for (let each = 0; each < AT_ONCE; each += 1) started.push(call());
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
  return (await Promise.all(started)).length;
}

/** As fast as it goes: the caches stay warm, and what is left is the work. */
async function busy(call: () => Promise<unknown>): Promise<number> {
  const calls = about(BUSY_CALLS);
  let left = calls;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await call();
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  return calls;
}

const callers = { kit: () => kit.sayHello(request), bare: callWith(bare), control: callWith(control) };
const names = Object.keys(callers) as (keyof typeof callers)[];
const loads = { paced: { take: paced, turns: 16 }, busy: { take: busy, turns: 60 } };

async function compare(load: keyof typeof loads) {
  const { take, turns } = loads[load];
  const sums = Object.fromEntries(names.map((name) => [name, { cpuUs: 0, calls: 0 }]));
  for (let turn = 0; turn < turns; turn += 1) {
    for (const name of shuffled(names)) {
      const sum = sums[name] as { cpuUs: number; calls: number };
      const before = process.cpuUsage();
      sum.calls += await take(callers[name]);
      collect();
      const { user, system } = process.cpuUsage(before);
      sum.cpuUs += user + system;
    }
  }
  const perCall = Object.entries(sums).map(([name, { cpuUs, calls }]) => [`${name}Us`, cpuUs / calls]);
  return { load, ...Object.fromEntries(perCall) };
}

for (const load of ['paced', 'busy'] as const) {
  // Young code is slow, and not to be counted.
  await compare(load);
  for (let each = 0; each < Number(pairs); each += 1)
    process.stdout.write(`${JSON.stringify(await compare(load))}\n`);
}
await kit.close();
bare.close();
control.close();
