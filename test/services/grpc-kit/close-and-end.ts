// A program that calls, closes its client with a call in flight, and has then nothing more to do: it has to end.
import { createClient } from '../../../services/grpc-kit/src/index.ts';
import { EchoService } from './echo-service.ts';

const [target = ''] = process.argv.slice(2);
const client = createClient(EchoService, target, {
  deadlineMs: 60_000,
  retry: true,
  keepalive: { timeMs: 60_000 },
});
await client.unary({ text: '' });
const last = client.unary({ text: 'last' });
await client.close();
console.log((await last).text);
