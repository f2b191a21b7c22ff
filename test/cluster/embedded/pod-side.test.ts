import { expect, it } from 'vitest';
import { useKubelet } from './kubelet-harness.ts';

const lab = useKubelet(5);

const { inPod, ipOf } = lab;
const serve = 'require("http").createServer((q, r) => r.end(q.socket.remoteAddress)).listen(8080, ';

it('gives each pod an address of its own: the same port twice, and who calls is seen', async () => {
  const body = (host: string) => `await new Promise((done) => ${serve}${host}() => done()))`;
  await inPod('one', body(''));
  await inPod('two', body("'0.0.0.0', "));
  const [seen] = await inPod(
    'caller',
    `log(await Promise.all(['${ipOf('one')}', '${ipOf('two')}'].map(async (ip) => (await fetch('http://' + ip + ':8080')).text())))`,
  );
  expect(seen).toEqual([ipOf('caller'), ipOf('caller')]);
  expect(ipOf('one')).not.toBe(ipOf('two'));
});

it('tells a server the address that it asked for', async () => {
  const seen = await inPod(
    'asks',
    `const net = require('net');
     const listen = (...args) => new Promise((done) => { const server = net.createServer().listen(...args, () => done(server.address())) });
     log(await listen(1111)); log(await listen(1112, '0.0.0.0')); log(await listen({ port: 1113, host: '127.0.0.1' }));
     log(await listen(1114, process.env.IP)); log((await listen(0)).port > 0); log(await listen(1115, 'localhost'));`,
    { env: [{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }] },
  );
  expect(seen).toEqual([
    { address: '::', family: 'IPv6', port: 1111 },
    { address: '0.0.0.0', family: 'IPv4', port: 1112 },
    { address: '127.0.0.1', family: 'IPv4', port: 1113 },
    { address: ipOf('asks'), family: 'IPv4', port: 1114 },
    true,
    { address: '127.0.0.1', family: 'IPv4', port: 1115 },
  ]);
});

it('has no address but its own', async () => {
  const seen = await inPod(
    'foreign',
    `const net = require('net');
     for (const host of ['127.201.16.250', '10.1.2.3', '127.201.0.1']) {
       await new Promise((done) => net.createServer().on('error', (error) => done(log(error.message))).listen(1111, host));
     }
     net.createServer().listen(1111, '0.0.0.0', () => {
       net.createServer().on('error', (error) => log(error.message)).listen(1111, '0.0.0.0'); });
     await new Promise((done) => setTimeout(done, 100));`,
  );
  expect(seen).toEqual([
    'listen EADDRNOTAVAIL: address not available 127.201.16.250:1111',
    'listen EADDRNOTAVAIL: address not available 10.1.2.3:1111',
    'listen EADDRNOTAVAIL: address not available 127.201.0.1:1111',
    'listen EADDRINUSE: address already in use 0.0.0.0:1111',
  ]);
});

it('has a 127.0.0.1 of its own, which reaches its servers, and no one else', async () => {
  await inPod('local', `await new Promise((done) => ${serve}'127.0.0.1', done))`);
  const tries = `const net = require('net');
    const dial = (host, port) => new Promise((done) => {
      const socket = net.connect({ host, port }, () => { done([socket.remoteAddress, socket.localAddress]); socket.destroy(); });
      socket.on('error', (error) => done(error.message)); });`;
  const seen = await inPod(
    'neighbour',
    `${tries} log(await dial('127.0.0.1', 8080)); log(await dial('${ipOf('local')}', 8080));
     await new Promise((done) => ${serve}done));
     log(await dial('127.0.0.1', 8080)); log(await dial('localhost', 8080)); log(await dial('::1', 8080)); log(await dial('0.0.0.0', 8080));
     await new Promise((done) => net.createServer().listen(8081, 'localhost', done));
     log(await dial('127.0.0.1', 8081)); log(await dial(process.env.HOSTNAME, 8081)); log(await dial(process.env.HOSTNAME, 8080));
     log(await (await fetch('http://localhost:8080')).text());`,
  );
  const own = ipOf('neighbour');
  expect(seen).toEqual([
    'connect ECONNREFUSED 127.0.0.1:8080',
    `connect ECONNREFUSED ${ipOf('local')}:8080`,
    [own, '127.0.0.1'],
    [own, '127.0.0.1'],
    [own, '127.0.0.1'],
    [own, '127.0.0.1'],
    ['127.0.0.1', '127.0.0.1'],
    `connect ECONNREFUSED ${own}:8081`,
    [own, own],
    '127.0.0.1',
  ]);
});

it('sends datagrams from its own address', async () => {
  const [bound] = await inPod(
    'udp',
    `const dgram = require('dgram'); const socket = dgram.createSocket('udp4');
     socket.on('message', (message, { address, port }) => socket.send(message, port, address));
     await new Promise((done) => socket.bind(5353, done)); log(socket.address().address);`,
  );
  expect(bound).toBe('0.0.0.0');
  const seen = await inPod(
    'udp-client',
    `const socket = require('dgram').createSocket('udp4');
     const heard = new Promise((done) => socket.once('message', (message, from) => done([String(message), from.address])));
     socket.send('hello', 5353, '${ipOf('udp')}'); log(await heard); socket.close();`,
  );
  expect(seen).toEqual([['hello', ipOf('udp')]]);
});

it('is the same pod in its children and its threads, and in their clusters', async () => {
  const seen = await inPod(
    'parent',
    `const { fork, spawn, execFileSync, execSync, spawnSync } = require('child_process');
     const { Worker } = require('worker_threads');
     const ask = 'require("net").connect(8080, "127.0.0.1", function () { console.log(require("os").hostname(), Object.keys(process.env).filter((name) => name === "GRPC_KIND_LAB_POD").length); process.exit() })';
     await new Promise((done) => ${serve}done));
     const run = (child) => new Promise((done) => { let said = ''; child.stdout.on('data', (chunk) => { said += chunk; }).on('end', () => done(said)); });
     log(await run(spawn(process.execPath, ['-e', ask])));
     log(await run(spawn(process.execPath, ['-e', ask], { env: { NODE_OPTIONS: '--no-warnings' } })));
     fs.writeFileSync('child.js', ask);
     log(await run(fork('child.js', { silent: true })));
     const own = process.execPath + ' -p "require(\\'os\\').hostname()"';
     log(execSync(own).toString()); log(execFileSync(process.execPath, ['-p', 'require("os").hostname()']).toString());
     log(spawnSync(process.execPath, ['-p', 'require("os").hostname()'], { encoding: 'utf8' }).stdout);
     log(await new Promise((done) => new Worker('require("worker_threads").parentPort.postMessage(require("os").hostname())', { eval: true }).on('message', done)));`,
  );
  expect(seen).toEqual([...Array(3).fill('parent 0\n'), ...Array(3).fill('parent\n'), 'parent']);
});

it('looks to its program like any process', async () => {
  const seen = await inPod(
    'plain',
    `log(require('os').hostname(), process.execArgv.length > 0, process.env.GRPC_KIND_LAB_POD ?? null, process.env.NODE_OPTIONS ?? null, process.title);
     const { hostname } = await import('node:os'); const { lookup } = await import('node:dns'); const dns = await import('node:dns/promises');
     log(hostname(), lookup === require('dns').lookup, dns.lookup === require('dns').promises.lookup, process.kill(1, 'SIGKILL'));`,
  );
  expect(seen).toEqual([
    ['plain', true, null, null, expect.stringMatching(/node/)],
    ['plain', true, true, true],
  ]);
});
