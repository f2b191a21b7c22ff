// Asks the server of this pod for its health, as a command for exec probes: ends with 0 when that is SERVING.
// It is a gRPC client as one would write it, and starts as slowly as one.
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client, credentials } from '@grpc/grpc-js';
import { service } from 'grpc-health-check';
import { GRPC_PORT } from '../protocol/index.ts';

type Method = {
  path: string;
  requestSerialize: (value: unknown) => Buffer;
  responseDeserialize: (bytes: Buffer) => { status: string };
};

const { values } = parseArgs({
  options: {
    /** "" is the server as a whole. */
    service: { type: 'string', default: '' },
    /** Milliseconds that it takes beside asking. */
    work: { type: 'string', default: '0' },
  },
});

/** A probe that takes so long has failed by its own time-out. */
const DEADLINE_MS = 60_000;

const port = process.env.GRPC_PORT ?? GRPC_PORT;
const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
const { path, requestSerialize, responseDeserialize } = service.Check as Method;
await delay(Number(values.work));
client.makeUnaryRequest(
  path,
  requestSerialize,
  responseDeserialize,
  { service: values.service },
  { deadline: Date.now() + DEADLINE_MS },
  (error, answer) => {
    const said = error ? error.message : (answer?.status ?? 'nothing');
    process.stdout.write(`${said}\n`);
    process.exitCode = said === 'SERVING' ? 0 : 1;
    client.close();
  },
);
