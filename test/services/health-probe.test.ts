import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { startServer } from './harness.ts';

it('the health-probe script ends with 0 while the server is SERVING, and its runs are timed', async () => {
  // The script is told by the environment, as the server is: not of a port that is chosen later.
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  holder.close();
  await using server = await startServer({ GRPC_PORT: `${port}` });
  const { runs } = await server.ask('POST', '/health-probe', { times: 2, workMs: 300 });
  expect(runs).toEqual([
    { code: 0, ms: expect.any(Number) },
    { code: 0, ms: expect.any(Number) },
  ]);
  expect(runs.every(({ ms }: { ms: number }) => ms >= 300)).toBe(true);
  await server.ask('PATCH', '/behaviour', { serving: { '': false } });
  const said = await server.ask('POST', '/health-probe', {});
  expect(said.runs).toEqual([{ code: 1, ms: expect.any(Number) }]);
});
