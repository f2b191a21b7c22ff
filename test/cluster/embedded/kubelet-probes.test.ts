import { join } from 'node:path';
import { expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { useKubelet } from './kubelet-harness.ts';

const lab = useKubelet(2);
const packages = join(import.meta.dirname, '../../../node_modules');
const ports = [{ name: 'control', containerPort: 8080 }];

/** Answers with what its file says, and tells what it was asked. */
const httpServer = `
  let status = 200;
  require('http').createServer((request, response) => {
    if (request.url.startsWith('/say/')) status = Number(request.url.slice(5));
    else console.log(request.method, request.url, request.headers.host, request.headers['x-a'],
      request.headers['user-agent'], request.headers.connection, request.socket.remoteAddress);
    response.writeHead(request.url.startsWith('/say/') ? 200 : status).end();
  }).listen(8080);`;
/** A gRPC health server; POST /say/STATUS on 8080 changes it. */
const grpcServer = `
  const grpc = require('${packages}/@grpc/grpc-js');
  const { HealthImplementation } = require('${packages}/grpc-health-check');
  const health = new HealthImplementation({ '': 'SERVING', other: 'NOT_SERVING' });
  const server = new grpc.Server();
  health.addToServer(server);
  server.bindAsync('0.0.0.0:50051', grpc.ServerCredentials.createInsecure(), () => {});
  require('http').createServer((request, response) => {
    health.setStatus('', request.url.slice(5));
    response.end();
  }).listen(8080);`;
const say = async (name: string, what: string | number) => {
  await fetch(`http://${lab.get(name).status?.podIP}:8080/say/${what}`);
};
const unhealthy = (name: string, ...texts: string[]) =>
  lab.until(name, () => texts.every((text) => lab.events(name).some((event) => event.includes(text))));

it('asks over HTTP as the kubelet does, from the node', async () => {
  const readinessProbe = {
    httpGet: { path: 'ready?a', port: 'control', httpHeaders: [{ name: 'X-A', value: 'b' }] },
    periodSeconds: 1,
    failureThreshold: 1,
  };
  await lab.script('http', httpServer, { ports, readinessProbe });
  await lab.running('http');
  expect(lab.isReady('http')).toBe(false);
  await lab.ready('http');
  const { podIP, hostIP } = lab.get('http').status ?? {};
  expect((await lab.logs('http')).split('\n')[0]).toBe(
    `GET /ready?a ${podIP}:8080 b kube-probe/1.34 close ${hostIP}`,
  );
  await say('http', 399);
  await say('http', 503);
  await unhealthy('http', 'Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503');
  expect(lab.isReady('http')).toBe(false);
  expect(lab.status('http')).toMatchObject({ ready: false, started: true, restartCount: 0 });
  await say('http', 302);
  await lab.ready('http');
});

it('says of a port that refuses, is silent, or speaks HTTP/2, what the kubelet says', async () => {
  const probe = (port: number, path = '/') => ({
    readinessProbe: { httpGet: { path, port }, periodSeconds: 1 },
  });
  await lab.script('refuses', 'setInterval(() => {}, 1000)', probe(8080));
  await lab.script('silent', 'require("net").createServer(() => {}).listen(8080)', probe(8080));
  await lab.script('h2c', 'require("http2").createServer().listen(50051)', probe(50051));
  const url = (name: string, port: number) => `Get "http://${lab.get(name).status?.podIP}:${port}/"`;
  await unhealthy('refuses', 'Unhealthy: Readiness probe failed: Get');
  const { podIP } = lab.get('refuses').status ?? {};
  await unhealthy(
    'refuses',
    `Readiness probe failed: ${url('refuses', 8080)}: dial tcp ${podIP}:8080: connect: connection refused`,
  );
  const late = 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)';
  await unhealthy('silent', `Readiness probe failed: ${url('silent', 8080)}: ${late}`);
  const malformed = 'net/http: HTTP/1.x transport connection broken: malformed HTTP response "\\x00\\x00';
  await unhealthy('h2c', `Readiness probe failed: ${url('h2c', 50051)}: ${malformed}`);
});

it('opens a TCP connection, and that is enough', async () => {
  const probe = (port: number) => ({ readinessProbe: { tcpSocket: { port }, periodSeconds: 1 } });
  await lab.script('tcp', 'require("net").createServer().listen(50051)', probe(50051));
  await lab.script('no-tcp', 'setInterval(() => {}, 1000)', probe(50051));
  await lab.ready('tcp');
  await unhealthy('no-tcp', 'Readiness probe failed: dial tcp');
  const { podIP } = lab.get('no-tcp').status ?? {};
  await unhealthy('no-tcp', `dial tcp ${podIP}:50051: connect: connection refused`);
});

it('asks the gRPC health service, as a whole or by a name', async () => {
  const probe = (service?: string, more: object = {}) => ({
    readinessProbe: { grpc: { port: 50051, ...(service ? { service } : {}) }, periodSeconds: 1, ...more },
  });
  await lab.script('grpc', grpcServer, probe('', { failureThreshold: 1 }));
  await lab.script('unknown', grpcServer, probe('none'));
  await lab.script('other', grpcServer, probe('other'));
  await lab.script('no-health', `${grpcServer.replace('health.addToServer(server);', '')}`, probe());
  await lab.script('no-grpc', 'require("net").createServer(() => {}).listen(50051)', probe());
  await lab.ready('grpc');
  await unhealthy(
    'unknown',
    'Readiness probe failed: error: health rpc probe failed: rpc error: code = NotFound desc = ',
  );
  await unhealthy('other', 'Readiness probe failed: service unhealthy (responded with "NOT_SERVING")');
  await unhealthy(
    'no-health',
    'Readiness probe failed: error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ',
  );
  await unhealthy('no-grpc', 'Readiness probe failed: timeout: failed to connect service "127.201.');
  await unhealthy('no-grpc', ':50051" within 1s: context deadline exceeded');
  await say('grpc', 'NOT_SERVING');
  await lab.until('grpc', () => !lab.isReady('grpc'));
  await say('grpc', 'SERVING');
  await lab.ready('grpc');
});

it('runs a command in the pod, where 127.0.0.1 is the pod itself', async () => {
  const exec = (script: string, more: object = {}) => ({
    readinessProbe: {
      exec: { command: ['node', '-e', script] },
      periodSeconds: 1,
      timeoutSeconds: 5,
      ...more,
    },
  });
  const get = `require('http').get('http://127.0.0.1:8080/' + process.env.A, (r) => process.exit(r.statusCode === 200 ? 0 : 1))`;
  await lab.script('exec', httpServer, { ...exec(get), env: [{ name: 'A', value: 'value' }] });
  await lab.script('bad', httpServer, exec('console.log("not", "well"); process.exit(1)'));
  await lab.script('slow', httpServer, exec('setInterval(() => {}, 1000)', { timeoutSeconds: 1 }));
  const command = ['sh', '-c', 'true'];
  await lab.script('shell', httpServer, { readinessProbe: { exec: { command }, periodSeconds: 1 } });
  await lab.ready('exec');
  await lab.logged('exec', 'GET /value');
  await unhealthy('bad', 'Unhealthy: Readiness probe failed: not well\n');
  await unhealthy('slow', 'command timed out: "node -e setInterval(() => {}, 1000)" timed out after 1s');
  await unhealthy(
    'shell',
    'Readiness probe errored and resulted in unknown state: rpc error: code = Unknown desc = ',
  );
  await unhealthy('shell', 'exec: "sh": executable file not found in $PATH');
});

it('goes on asking when it could not ask, and says so', async () => {
  const probe = (more: object) => ({
    readinessProbe: { httpGet: { port: 8080, ...more }, periodSeconds: 1 },
  });
  await lab.script('no-host', httpServer, probe({ host: 'no host' }));
  await lab.script('bad-name', httpServer, probe({ httpHeaders: [{ name: 'a b', value: 'c' }] }));
  await lab.script('bad-value', httpServer, probe({ httpHeaders: [{ name: 'X-A', value: 'a\nb' }] }));
  const unknown = 'Unhealthy: Readiness probe errored and resulted in unknown state: ';
  const often = (name: string, text: string) =>
    lab.until(name, () =>
      lab.events(name).some((event) => event.startsWith(text) && /\(x[2-9]\)$/.test(event)),
    );
  await often('no-host', `${unknown}Invalid URL`);
  await often('bad-name', unknown);
  await often('bad-value', 'Unhealthy: Readiness probe failed: Get "http://');
  expect(lab.events('bad-value').join()).toContain('net/http: invalid header field value for "X-A"');
});

it('says that a hook which cannot be asked has failed, and ends the pod', async () => {
  const preStop = { httpGet: { host: 'no host', port: 8080 } };
  const script = `process.on('SIGTERM', () => process.exit(0)); console.log('up'); setInterval(() => {}, 1000)`;
  await lab.script('no-hook', script, { lifecycle: { preStop } });
  await lab.logged('no-hook', 'up');
  lab.remove('no-hook', 20);
  await lab.gone('no-hook');
  expect(lab.events('no-hook')).toContain('FailedPreStopHook: PreStopHook failed');
});

it('takes an answer of gRPC that is not well encoded as it is', async () => {
  const trailers = "{ ':status': 200, 'grpc-status': '5', 'grpc-message': '100%' }";
  const script = `require('http2').createServer().on('stream', (stream) => stream.respond(${trailers}, { endStream: true })).listen(50051)`;
  await lab.script('percent', script, { readinessProbe: { grpc: { port: 50051 }, periodSeconds: 1 } });
  await unhealthy('percent', 'rpc error: code = NotFound desc = 100%');
});

it('waits as long as it is told to, however long that is', async () => {
  const readinessProbe = {
    exec: { command: ['node', '-e', 'setTimeout(() => {}, 300)'] },
    periodSeconds: 1,
    timeoutSeconds: 2 ** 31 - 1,
  };
  await lab.script('for-ever', httpServer, { readinessProbe });
  await lab.ready('for-ever');
});

it('does not let commands that take their time keep others waiting', async () => {
  const probe = (script: string) => ({
    readinessProbe: { exec: { command: ['node', '-e', script] }, periodSeconds: 1, timeoutSeconds: 60 },
  });
  for (let index = 0; index < 5; index += 1)
    await lab.script(`slow-${index}`, httpServer, probe('setInterval(() => console.log("x"), 1000)'));
  const commands = () => lab.processes(`GRPC_KIND_LAB_CLUSTER=${lab.clusterId}`).length;
  // Five containers, and the command of each.
  await eventually(() => commands() === 10, commands);
  await lab.script('quick', httpServer, probe('0'));
  await lab.ready('quick');
});

it('asks for readiness at once when start-up has passed, and not before', async () => {
  const container = {
    ports,
    startupProbe: { httpGet: { path: '/startup', port: 8080 }, periodSeconds: 1, failureThreshold: 30 },
    readinessProbe: { httpGet: { path: '/readiness', port: 8080 }, periodSeconds: 300 },
    livenessProbe: { httpGet: { path: '/liveness', port: 8080 }, periodSeconds: 300 },
  };
  await lab.script('starts', `setTimeout(() => { ${httpServer} }, 50)`, container);
  await lab.running('starts');
  expect(lab.status('starts')).toMatchObject({ started: false, ready: false });
  await lab.ready('starts');
  expect(lab.status('starts')).toMatchObject({ started: true, ready: true });
  const log = await lab.logged('starts', '/liveness');
  const asked = log.split('\n').map((line) => line.split(' ')[1]);
  expect(asked[0]).toBe('/startup');
  expect(asked.slice(0, 3).sort()).toEqual(['/liveness', '/readiness', '/startup']);
});

it('asks for it at once too where nothing listens', async () => {
  const exec = { command: ['node', '-e', '0'] };
  const container = {
    startupProbe: { exec, periodSeconds: 1 },
    readinessProbe: { exec, periodSeconds: 300 },
  };
  await lab.script('portless', 'setInterval(() => {}, 1000)', container);
  await lab.ready('portless');
});

it('waits for initialDelaySeconds', async () => {
  const exec = { command: ['node', '-e', '0'] };
  const readinessProbe = { exec, initialDelaySeconds: 1, periodSeconds: 1 };
  const started = performance.now();
  await lab.script('later', httpServer, { readinessProbe });
  await lab.ready('later');
  expect(performance.now() - started).toBeGreaterThan(1000);
});

it('wants as many successes and failures in a row as the probe says', async () => {
  const readinessProbe = {
    httpGet: { path: '/', port: 8080 },
    periodSeconds: 1,
    successThreshold: 2,
    failureThreshold: 2,
  };
  await lab.script('steps', httpServer, { readinessProbe });
  const asked = async () => (await lab.logs('steps')).split('\n').length - 1;
  await lab.ready('steps');
  expect(await asked()).toBe(2);
  await say('steps', 500);
  await unhealthy('steps', 'statuscode: 500');
  expect(lab.isReady('steps')).toBe(true);
  await lab.until('steps', () => !lab.isReady('steps'));
});

it.each([
  ['liveness', 'livenessProbe'],
  ['startup', 'startupProbe'],
])('restarts a container whose %s probe fails', async (kind, field) => {
  const probe = { tcpSocket: { port: 9 }, periodSeconds: 1, failureThreshold: 1 };
  const script =
    'process.on("SIGTERM", () => process.exit(0)); console.log("up"); setInterval(() => {}, 1000)';
  await lab.script(kind, script, { [field]: probe });
  await lab.until(kind, () => (lab.status(kind)?.restartCount ?? 0) > 0);
  expect(lab.status(kind)?.lastState?.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
  expect(lab.events(kind)).toContain(`Killing: Container main failed ${kind} probe, will be restarted`);
  const label = kind === 'startup' ? 'Startup' : 'Liveness';
  expect(
    lab.events(kind).some((event) => event.startsWith(`Unhealthy: ${label} probe failed: dial tcp`)),
  ).toBe(true);
});

it('goes on asking for readiness while the pod is being deleted', async () => {
  const readinessProbe = { httpGet: { path: '/', port: 8080 }, periodSeconds: 1, failureThreshold: 1 };
  const stays = `${httpServer} process.on('SIGTERM', () => {});`;
  await lab.script('leaves', stays, { readinessProbe, livenessProbe: readinessProbe });
  await lab.ready('leaves');
  lab.remove('leaves', 20);
  await eventually(() => lab.events('leaves').some((event) => event.startsWith('Killing: Stopping')));
  await say('leaves', 500);
  await lab.until('leaves', () => !lab.isReady('leaves'));
  expect(lab.status('leaves')?.state?.running).toBeDefined();
  lab.remove('leaves', 0);
  await lab.gone('leaves');
  expect(lab.events('leaves').join()).not.toContain('Liveness');
});
