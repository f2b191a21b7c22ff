// What package.test.ts runs where the package is installed. It prints what it saw as one line of JSON, and then has to
// end by itself. Plain JavaScript, as older versions of Node.js have to run it too.
import { writeFile } from 'node:fs/promises';
import http from 'node:http';
import http2 from 'node:http2';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { createClient, serve } from '@grpc-kind-lab/grpc-kit';

const { version } = createRequire(import.meta.url)('@grpc/grpc-js/package.json');

const codec = {
  requestSerialize: (value) => Buffer.from(JSON.stringify(value)),
  requestDeserialize: (bytes) => JSON.parse(String(bytes)),
  responseSerialize: (value) => Buffer.from(JSON.stringify(value)),
  responseDeserialize: (bytes) => JSON.parse(String(bytes)),
};
const method = (name) => ({
  path: `/test.Who/${name}`,
  requestStream: false,
  responseStream: false,
  ...codec,
});
const Who = { am: method('Am'), hang: method('Hang') };
const Nobody = { am: { ...method('Am'), path: '/test.Nobody/Am' } };

/** Endpoints of the Service: `near` is on the client's node, `far` is not, and fails when it is told to. */
const behaviour = { farFails: false, farFailed: 0 };
const start = (name) =>
  serve(
    [
      [
        Who,
        {
          am(_call, callback) {
            if (name === 'near' || !behaviour.farFails) return callback(null, { name });
            behaviour.farFailed += 1;
            callback({ code: status.UNAVAILABLE, details: 'told to fail' });
          },
          hang() {},
        },
      ],
    ],
    { host: '127.0.0.1', port: 0, drainOn: [], drainDelayMs: 0, keepaliveMinTimeMs: 1000 },
  );
const near = await start('near');
const far = await start('far');

/** A Kubernetes API that knows one Service, whose endpoints do not change. */
const sliceOf = (name, port) => ({
  metadata: { name, resourceVersion: '1' },
  addressType: 'IPv4',
  ports: [{ name: 'grpc', port, protocol: 'TCP' }],
  endpoints: [
    { addresses: ['127.0.0.1'], conditions: { ready: true }, nodeName: name, targetRef: { uid: name } },
  ],
});
const api = http.createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  if (request.url.includes('watch=true')) return response.flushHeaders();
  const items = [sliceOf('near', near.port), sliceOf('far', far.port)];
  response.end(JSON.stringify({ metadata: { resourceVersion: '1' }, items }));
});
await new Promise((resolve) => api.listen(0, '127.0.0.1', resolve));
await writeFile(
  'kubeconfig.json',
  JSON.stringify({
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    clusters: [{ name: 'test', cluster: { server: `http://127.0.0.1:${api.address().port}` } }],
    users: [{ name: 'test', user: {} }],
  }),
);

const client = (options) =>
  createClient(Who, 'kubernetes:///who.test:grpc', {
    deadlineMs: 10_000,
    kubernetes: { kubeconfig: 'kubeconfig.json' },
    ...options,
  });
const name = async (of) => (await of.am({}, { waitForReady: true })).name;
const codeOf = (call) =>
  call.then(
    () => 'OK',
    ({ code }) => status[code],
  );
async function until(isTrue) {
  for (let time = 0; time < 1000; time += 1) {
    if (await isTrue()) return;
    await delay(5);
  }
  throw new Error(`never: ${isTrue}`);
}
async function counts(of, calls) {
  const seen = { near: 0, far: 0 };
  for (let call = 0; call < calls; call += 1) seen[await name(of)] += 1;
  return seen;
}

/** Begins a call and takes it back with a code that is an error to the server. */
async function resetCall(port, path) {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
  stream.on('error', () => {}).close(http2.constants.NGHTTP2_PROTOCOL_ERROR);
  await new Promise((resolve) => stream.on('close', resolve));
  await new Promise((resolve) => session.close(resolve));
}

const roundRobin = client();
await until(async () => (await name(roundRobin)) === 'near');
await until(async () => (await name(roundRobin)) === 'far');
const evenly = await counts(roundRobin, 20);

const sameNode = client({ policy: 'prefer_same_node', locality: { node: 'near' } });
await until(async () => (await name(sameNode)) === 'near');
const onOwnNode = await counts(sameNode, 20);

// All at once, so that the next endpoint in turn is no more likely to be the other one: it is avoided, or half of
// those that met the failing one meet it again.
const retrying = client({ retry: { maxAttempts: 2, initialBackoffMs: 5, maxBackoffMs: 5 } });
await until(async () => (await name(retrying)) === 'near');
await until(async () => (await name(retrying)) === 'far');
behaviour.farFails = true;
const retried = await Promise.all(Array.from({ length: 40 }, () => codeOf(retrying.am({}))));
const notRetried = await Promise.all(Array.from({ length: 40 }, () => codeOf(roundRobin.am({}))));

const polling = createClient(Who, `dns-poll:///127.0.0.1:${near.port}?interval=1s`);
const deadline = await codeOf(polling.hang({}, { deadlineMs: 200 }));
const polled = await name(polling);

await Promise.all([roundRobin, sameNode, retrying, polling].map((open) => open.close()));
await until(() => [near, far].every((server) => server.connections().open === 0));

// Calls of a method that the server does not have, one of which is cut by the client and one by the server's end.
const lost = createClient(Nobody, `dns-poll:///127.0.0.1:${far.port}`);
const unknown = await codeOf(lost.am({}));
await resetCall(far.port, Nobody.am.path);
await far.close();
await lost.close();
await near.drain();
api.closeAllConnections();
api.close();

const closedMs = performance.now();
process.on('exit', () => {
  const count = (codes, code) => codes.filter((each) => each === code).length;
  console.log(
    JSON.stringify({
      grpcJs: version,
      node: process.version,
      evenly,
      onOwnNode,
      retried: count(retried, 'OK'),
      notRetried: count(notRetried, 'UNAVAILABLE'),
      farFailed: behaviour.farFailed,
      deadline,
      polled,
      unknown,
      endedWithinMs: Math.round(performance.now() - closedMs),
    }),
  );
});
