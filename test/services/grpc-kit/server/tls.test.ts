import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  type ClientTls,
  clientCredentials,
  clientTlsOptions,
  type ServerTls,
} from '../../../../services/grpc-kit/src/tls.ts';
import { type Authority, type Issued, makeAuthority } from './certificates.ts';
import { openEcho, say, startEcho } from './echo.ts';

let ours: Authority;
let theirs: Authority;
let server: Issued;
let client: Issued;
let stranger: Issued;

beforeAll(async () => {
  [ours, theirs] = await Promise.all([makeAuthority(), makeAuthority()]);
  [server, client, stranger] = await Promise.all([ours.server(), ours.client(), theirs.client()]);
});

/** The code of one call. */
async function call(serverTls: ServerTls | undefined, clientTls: ClientTls | undefined, host = 'localhost') {
  await using started = await startEcho({ host: '0.0.0.0', ...(serverTls && { tls: serverTls }) });
  using echo = openEcho(`${host}:${started.port}`, clientTlsOptions(clientTls), clientCredentials(clientTls));
  return (await say(echo, 0, 'hi', 3000)).code;
}

describe.concurrent('TLS', () => {
  it('takes clients that know the authority', async () => {
    expect(await call(server, { ca: ours.ca })).toBe('OK');
  });

  const refused: [string, () => Parameters<typeof call>][] = [
    ['know no authority of ours', () => [server, {}]],
    ['know another authority', () => [server, { ca: theirs.ca }]],
    ['speak in clear', () => [server, undefined]],
    ['want another name', () => [server, { ca: ours.ca, serverName: 'other.test' }]],
    ['want TLS of a server without', () => [undefined, { ca: ours.ca }]],
  ];
  it.each(refused)('does not take clients that %s', async (_which, tls) => {
    expect(await call(...tls())).toBe('UNAVAILABLE');
  });

  it('checks the name that it is told, whatever the target', async () => {
    expect(await call(server, { ca: ours.ca }, '127.0.0.2')).toBe('UNAVAILABLE');
    expect(await call(server, { ca: ours.ca, serverName: 'greeter.test' }, '127.0.0.2')).toBe('OK');
  });
});

describe.concurrent('mTLS', () => {
  it('takes clients with a certificate of the authority', async () => {
    expect(await call({ ...server, ca: ours.ca }, { ca: ours.ca, ...client })).toBe('OK');
  });

  it('does not take clients without one, or with that of another', async () => {
    expect(await call({ ...server, ca: ours.ca }, { ca: ours.ca })).toBe('UNAVAILABLE');
    expect(await call({ ...server, ca: ours.ca }, { ca: ours.ca, ...stranger })).toBe('UNAVAILABLE');
  });
});

describe('certificates', () => {
  it('are PEM, bytes or files', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tls-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = (name: string, contents: string) => {
      writeFileSync(join(folder, name), contents);
      return join(folder, name);
    };
    const files = {
      cert: file('tls.crt', server.cert),
      key: file('tls.key', server.key),
      ca: file('ca.crt', ours.ca),
    };
    const own = { cert: file('client.crt', client.cert), key: file('client.key', client.key) };
    expect(await call(files, { ca: Buffer.from(ours.ca), ...own })).toBe('OK');
    const bytes = new TextEncoder().encode(server.cert);
    expect(await call({ cert: bytes, key: Buffer.from(server.key) }, { ca: ours.ca })).toBe('OK');
  });

  it('are refused at once when they cannot be used', async () => {
    const start = (tls: ServerTls) => startEcho({ tls });
    await expect(start({ ...server, cert: '/nowhere/tls.crt' })).rejects.toThrow(
      /^grpc-kit: tls: cannot read cert: ENOENT/,
    );
    await expect(start({ cert: server.cert, key: client.key })).rejects.toThrow(
      /^grpc-kit: tls: certificate, key or ca cannot be used: .*key values mismatch/,
    );
    expect(() => clientCredentials({ cert: client.cert })).toThrow('cert and key go together');
    expect(() => clientCredentials({ ca: '/nowhere' })).toThrow(/^grpc-kit: tls: cannot read ca: ENOENT/);
    expect(() => clientCredentials({ cert: client.cert, key: server.key })).toThrow('cannot be used');
  });
});
