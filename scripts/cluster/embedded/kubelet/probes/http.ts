import http from 'node:http';
import https from 'node:https';
import type { V1HTTPGetAction } from '@kubernetes/client-node';
import type { Plain } from '../../../../common/plain.ts';

import { failure, type ProbeResult, success } from './result.ts';
import { dialText, type From } from './tcp.ts';

type HttpGet = Omit<Plain<V1HTTPGetAction>, 'port'>;

/** 200–399 is success. Sends HTTP/1.1, whatever the port speaks. */
export function httpProbe(action: HttpGet, from: From): Promise<ProbeResult> {
  const { host, port, localAddress, timeoutMs } = from;
  const isHttps = action.scheme === 'HTTPS';
  const given = action.path || '/';
  const path = given.startsWith('/') ? given : `/${given}`;
  const url = `${isHttps ? 'https' : 'http'}://${host}:${port}${path}`;
  const headers: Record<string, string | string[]> = {
    'User-Agent': 'kube-probe/1.34',
    Accept: '*/*',
    Connection: 'close',
  };
  for (const { name, value } of action.httpHeaders ?? []) {
    if (!isHeaderValue(name, value))
      return Promise.resolve(failure(`Get "${url}": net/http: invalid header field value for "${name}"`));
    const known = Object.keys(headers).find((key) => key.toLowerCase() === name.toLowerCase());
    headers[known ?? name] = value;
  }
  return new Promise((resolve) => {
    const request = (isHttps ? https : http).request(url, {
      localAddress,
      headers,
      agent: false,
      // The kubelet does not ask for a certificate that it could check.
      ...(isHttps ? { rejectUnauthorized: false } : {}),
    });
    const end = (result: ProbeResult) => {
      clearTimeout(timer);
      request.destroy();
      resolve(result);
    };
    const tooLate = 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)';
    const timer = setTimeout(() => end(failure(`Get "${url}": ${tooLate}`)), timeoutMs);
    request.once('response', (response) => {
      response.on('error', () => {});
      response.resume();
      const { statusCode = 0 } = response;
      const passed = statusCode >= 200 && statusCode < 400;
      end(passed ? success() : failure(`HTTP probe failed with statuscode: ${statusCode}`));
    });
    request.on('error', (error) => end(failure(`Get "${url}": ${causeOf(error, from)}`)));
    request.end();
  });
}

function isHeaderValue(name: string, value: string): boolean {
  try {
    http.validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}

function causeOf(error: NodeJS.ErrnoException & { rawPacket?: Buffer }, from: From): string {
  if (error.syscall === 'connect') return dialText(from, error);
  if (error.code?.startsWith('HPE_') && error.rawPacket) {
    const line = error.rawPacket.toString('latin1').split('\n')[0] ?? '';
    return `net/http: HTTP/1.x transport connection broken: malformed HTTP response ${goQuoted(line)}`;
  }
  if (error.code === 'ECONNRESET')
    return error.message === 'socket hang up' ? 'EOF' : 'read: connection reset by peer';
  return error.message;
}

/** As Go's %q prints bytes. */
const goQuoted = (text: string): string =>
  `"${text.replaceAll(/["\\]/g, '\\$&').replaceAll(/[^ -~]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)}"`;
