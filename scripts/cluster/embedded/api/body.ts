// The body of a request: bounded, and JSON unless it is a patch in YAML.
import type { IncomingMessage } from 'node:http';
import { ApiError, badRequest } from '../errors.ts';
import { isObject, type JsonObject, parseJson } from './json.ts';

/** As the real API server's. */
const MOST_BYTES = 3 * 1024 * 1024;

/** @throws ApiError 413; Node's error when it is cut off: less than its content-length is never a whole one. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BYTES)
      throw new ApiError(
        413,
        'RequestEntityTooLarge',
        `Request entity too large: limit is ${MOST_BYTES} bytes`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** @throws ApiError 400 or 415. */
export function parseObject(text: string, contentType: string | undefined): JsonObject {
  const type = (contentType ?? 'application/json').split(';')[0]?.trim();
  if (type !== 'application/json' && type !== '*/*')
    throw new ApiError(
      415,
      'UnsupportedMediaType',
      `the body of the request was in an unknown format - accepted media types include: application/json, not ${type}`,
    );
  const parsed = parseJson(text);
  if (!isObject(parsed)) throw badRequest('the object provided is unrecognized: it is not an object');
  return parsed;
}
