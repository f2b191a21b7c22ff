import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TOKEN_HEADER } from '../protocol/index.ts';
import { HttpError } from './http-error.ts';

// Digests have one length, which is what timingSafeEqual asks for.
const digest = (text: string) => createHash('sha256').update(text).digest();

/** @returns a check that throws a 401 for a request without the token. */
export function tokenCheck(token: string): (request: IncomingMessage) => void {
  const expected = digest(token);
  return (request) => {
    const given = request.headers[TOKEN_HEADER];
    if (given === undefined) throw new HttpError(401, `the header ${TOKEN_HEADER} is missing`);
    if (!timingSafeEqual(digest(String(given)), expected)) {
      throw new HttpError(401, `the header ${TOKEN_HEADER} does not hold this lab's token`);
    }
  };
}
