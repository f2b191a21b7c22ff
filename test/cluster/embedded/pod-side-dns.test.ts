// Names in a pod, against a server whose answers are made here.
import { createSocket, type Socket } from 'node:dgram';
import { existsSync, rmSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { useKubelet } from './kubelet-harness.ts';

const lab = useKubelet(7);
const { inPod, ipOf } = lab;

type Answer = string[] | 'NXDOMAIN' | 'SERVFAIL' | 'REFUSED' | 'silent';
let dnsServer: Socket | undefined;
afterEach(async () => {
  await new Promise<void>((done) => (dnsServer ? dnsServer.close(() => done()) : done()));
  dnsServer = undefined;
});

/** @returns the questions as they come: `A name`. */
async function startDns(answer: (name: string) => Answer): Promise<string[]> {
  const asked: string[] = [];
  const server = createSocket('udp4');
  server.on('message', (query, from) => {
    const labels: string[] = [];
    let at = 12;
    for (; query[at]; at += (query[at] as number) + 1) {
      labels.push(query.subarray(at + 1, at + 1 + (query[at] as number)).toString());
    }
    const type = query.readUInt16BE(at + 1);
    const name = labels.join('.');
    asked.push(`${type === 1 ? 'A' : type === 28 ? 'AAAA' : type} ${name}`);
    const found = answer(name);
    if (found === 'silent') return;
    const records = Array.isArray(found) && type === 1 ? found : [];
    const head = Buffer.from(query.subarray(0, 12));
    const codes = { NXDOMAIN: 3, SERVFAIL: 2, REFUSED: 5 };
    head.writeUInt16BE(0x8580 | (Array.isArray(found) ? 0 : codes[found]), 2);
    head.writeUInt16BE(records.length, 6);
    head.writeUInt16BE(0, 10);
    const body = records.map((ip) =>
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, ...ip.split('.').map(Number)]),
    );
    server.send(Buffer.concat([head, query.subarray(12, at + 5), ...body]), from.port, from.address);
  });
  dnsServer = server;
  await new Promise<void>((done) => server.bind(lab.dns.port, lab.dns.address, done));
  return asked;
}
const lookups = `const dns = require('dns'); const { promisify } = require('util');
  const look = (name, options) => dns.promises.lookup(name, options).then((found) => log(found), (error) => log(error.code, error.message, error.errno, error.syscall, error.hostname));`;

it('looks names up through the search domains', async () => {
  const known: Record<string, string[]> = {
    'greeter.ns.svc.cluster.local': ['127.201.16.1', '127.201.16.2'],
    'greeter.other.svc.cluster.local': ['127.201.16.3'],
    'a.b.c.d.e.f': ['127.201.16.4'],
    'nodata.ns.svc.cluster.local': [],
  };
  const asked = await startDns((name) => known[name] ?? 'NXDOMAIN');
  const seen = await inPod(
    'names',
    `${lookups} await look('greeter'); await look('greeter', { all: true }); await look('greeter.other', 4);
     await look('greeter.other.svc.cluster.local.'); await look('a.b.c.d.e.f'); await look('nothing'); await look('greeter.');
     await look('nodata'); await look('greeter', { family: 6 }); await look('greeter', { family: 'IPv4' });`,
  );
  const unknown = (name: string) => [
    'ENOTFOUND',
    `getaddrinfo ENOTFOUND ${name}`,
    -3008,
    'getaddrinfo',
    name,
  ];
  const first = { address: '127.201.16.1', family: 4 };
  expect(seen).toEqual([
    first,
    [first, { address: '127.201.16.2', family: 4 }],
    { address: '127.201.16.3', family: 4 },
    { address: '127.201.16.3', family: 4 },
    { address: '127.201.16.4', family: 4 },
    unknown('nothing'),
    unknown('greeter.'),
    unknown('nodata'),
    unknown('greeter'),
    first,
  ]);
  const names = asked.map((question) => question.split(' ')[1]);
  expect([...new Set(names)]).toEqual(
    [
      'greeter.ns.svc.cluster.local',
      ...['ns.svc.cluster.local', 'svc.cluster.local'].map((domain) => `greeter.other.${domain}`),
      'a.b.c.d.e.f',
      ...['.ns.svc.cluster.local', '.svc.cluster.local', '.cluster.local', ''].map((end) => `nothing${end}`),
      'greeter',
      ...['.ns.svc.cluster.local', '.svc.cluster.local', '.cluster.local', ''].map((end) => `nodata${end}`),
      ...['.svc.cluster.local', '.cluster.local'].map((end) => `greeter${end}`),
    ].filter((name, index, all) => all.indexOf(name) === index),
  );
  expect(asked.slice(0, 2).sort()).toEqual([
    'A greeter.ns.svc.cluster.local',
    'AAAA greeter.ns.svc.cluster.local',
  ]);
});

it('knows what needs no server', async () => {
  const seen = await inPod(
    'literal',
    `${lookups} await look('10.1.2.3'); await look('::1', { all: true }); await look('localhost'); await look(process.env.HOSTNAME);
     log(await promisify(dns.lookup)('localhost'));
     log(await new Promise((done) => dns.lookup('localhost', (...args) => done(args))));
     log(await new Promise((done) => dns.lookup('localhost', { all: true }, (...args) => done(args))));
     try { dns.lookup('localhost'); } catch (error) { log(error.code); }`,
  );
  const localhost = { address: '127.0.0.1', family: 4 };
  expect(seen).toEqual([
    { address: '10.1.2.3', family: 4 },
    [{ address: '::1', family: 6 }],
    localhost,
    { address: ipOf('literal'), family: 4 },
    localhost,
    [null, '127.0.0.1', 4],
    [null, [localhost]],
    'ERR_INVALID_ARG_TYPE',
  ]);
});

it('tells a server that fails from a name that is not there', async () => {
  const asked = await startDns((name) =>
    name.startsWith('fails')
      ? 'SERVFAIL'
      : name.startsWith('refused')
        ? 'REFUSED'
        : name.startsWith('silent')
          ? 'silent'
          : 'NXDOMAIN',
  );
  const started = performance.now();
  const seen = await inPod(
    'asking',
    `${lookups} await look('fails'); await look('refused'); await look('none'); await look('silent');`,
  );
  const code = (name: string, what: string, errno: number) => [
    what,
    `getaddrinfo ${what} ${name}`,
    errno,
    'getaddrinfo',
    name,
  ];
  expect(seen).toEqual([
    code('fails', 'EAI_AGAIN', -3001),
    code('refused', 'EAI_AGAIN', -3001),
    code('none', 'ENOTFOUND', -3008),
    code('silent', 'EAI_AGAIN', -3001),
  ]);
  // Two attempts of a second, and no other name is tried.
  expect(performance.now() - started).toBeGreaterThan(1900);
  expect(new Set(asked.filter((question) => question.includes('silent')))).toEqual(
    new Set(['A silent.ns.svc.cluster.local', 'AAAA silent.ns.svc.cluster.local']),
  );
});

it('keeps no answer', async () => {
  let answers = ['127.201.16.1'];
  await startDns(() => answers);
  const ask = 'log(await dns.promises.resolve4("name")); await look("name");';
  const asking = inPod(
    'again',
    `${lookups} ${ask} fs.writeFileSync('/tmp/' + process.env.GRPC_KIND_LAB_CLUSTER, ''); 
     while (fs.existsSync('/tmp/' + process.env.GRPC_KIND_LAB_CLUSTER)) await new Promise((done) => setTimeout(done, 10)); ${ask}`,
  );
  const mark = `/tmp/${lab.clusterId}`;
  await eventually(() => existsSync(mark));
  answers = ['127.201.16.2'];
  rmSync(mark);
  const seen = ['127.201.16.1', '127.201.16.2'].flatMap((address) => [[address], { address, family: 4 }]);
  expect(await asking).toEqual(seen);
});

it('gives up at once on a server that is not there', async () => {
  const seen = await inPod('down', `${lookups} await look('name');`);
  expect(seen).toEqual([['EAI_AGAIN', 'getaddrinfo EAI_AGAIN name', -3001, 'getaddrinfo', 'name']]);
});

it('asks the same server for all else, without search domains', async () => {
  const asked = await startDns((name) => (name === 'full.name' ? ['127.201.16.9'] : 'NXDOMAIN'));
  const seen = await inPod(
    'resolves',
    `const dns = require('dns'); const code = (error) => error.code;
     log(await dns.promises.resolve4('full.name')); log(await new dns.promises.Resolver().resolve4('full.name'));
     log(await new Promise((done) => new dns.Resolver().resolve4('full.name', (error, found) => done(found))));
     log(await dns.promises.resolve4('greeter').catch(code)); log(await dns.promises.resolve6('full.name').catch(code)); log(dns.getServers());`,
  );
  const found = ['127.201.16.9'];
  expect(seen).toEqual([found, found, found, 'ENOTFOUND', 'ENODATA', [`${lab.dns.address}:${lab.dns.port}`]]);
  expect(asked).toContain('A greeter');
  expect(asked).not.toContain('A greeter.ns.svc.cluster.local');
});
