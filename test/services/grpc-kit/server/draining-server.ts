// A program that serves, for tests of what signals do to it. Options come as JSON in OPTIONS; what happens is told in
// lines of JSON.
import { hasSubscribers } from 'node:diagnostics_channel';
import { serve } from '../../../../services/grpc-kit/src/server/index.ts';
import { EchoService, echo } from './echo.ts';

const options = JSON.parse(process.env.OPTIONS ?? '{}');
const tell = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

const hooks: Record<string, () => void | Promise<void>> = {
  slow: async () => {
    await new Promise((resolve) => setTimeout(resolve, 400));
    tell({ hook: 'ended' });
  },
  failing: () => Promise.reject(new Error('no disk')),
};
const onDrained = hooks[process.env.HOOK ?? ''];

for (const name of (process.env.SERVERS ?? 'one').split(' ')) {
  const server = await serve([[EchoService, echo()]], {
    host: '127.0.0.1',
    port: 0,
    onPhase: (phase) => tell({ name, phase }),
    ...(onDrained && { onDrained }),
    // One is done when the other still drains.
    drainDelayMs: name === 'two' ? 900 : 0,
    ...options,
  });
  tell({ name, port: server.port });
  if (process.env.CLOSE) {
    await server.close();
    const resources = process.getActiveResourcesInfo();
    tell({
      left: resources.filter((resource) => !/PipeWrap|TTYWrap|Immediate/.test(resource)),
      handlers: process.listenerCount('SIGTERM'),
      subscribed: ['net.server.socket', 'http2.server.stream.created'].filter(hasSubscribers),
    });
  }
}
// Something else that the program does.
if (process.env.BUSY) setInterval(() => {}, 1000);
