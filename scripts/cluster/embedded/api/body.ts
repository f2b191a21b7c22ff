// The body of a request: bounded, and JSON unless it is a patch in YAML.
import type { IncomingMessage } from 'node:http';
import { ApiError, badRequest } from '../errors.ts';

/** As the real API server's. */
const MOST_BYTES = 3 * 1024 * 1024;

/** @throws ApiError 413. */
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
export function parseObject(text: string, contentType: string | undefined): Record<string, unknown> {
  const type = (contentType ?? 'application/json').split(';')[0]?.trim();
  if (type !== 'application/json' && type !== '*/*')
    throw new ApiError(
      415,
      'UnsupportedMediaType',
      `the body of the request was in an unknown format - accepted media types include: application/json, not ${type}`,
    );
  return asObject(parseJson(text));
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badRequest(
      `the object provided is unrecognized (must be of type JSON): ${(error as Error).message}`,
    );
  }
}

export function asObject(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest('the object provided is unrecognized: it is not an object');
  return value as Record<string, unknown>;
}
