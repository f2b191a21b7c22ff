// Failed calls in a program's log, in the forms that gRPC's libraries give them.
import { shorten } from '../words.ts';

export type LogFailure = { code: string; message: string; count: number; atMs: number | undefined };

/** gRPC's status codes in the order of their numbers, which begin with 0. */
const CODES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

/** Each library's way to print a status: code, then message. */
const FORMS = [
  // Go, also with wrapping around it.
  /rpc error: code = (\w+) desc = (.*)/,
  // .NET.
  /Status\(StatusCode="?(\w+)"?, Detail="(.*?)"(?:, DebugException=.*|\)|$)/,
  // Java and Kotlin.
  /Status(?:Runtime)?Exception: ([A-Z_]+)(?:: (.*))?/,
  // Python.
  /StatusCode\.([A-Z_]+)\b(?:.*?details = "(.*)")?/,
  // Rust's tonic.
  /status: '?(\w+)'?, message: "(.*?)"/,
  // Node.
  /\b1?\d ([A-Z_]{5,}): (.*)/,
];
/** Lines after a status in which its message goes on: Python's details, what caused a Java exception. */
const GOES_ON = 25;

/** Failures of a log's lines, each line on its own but for those that go on. */
export function failuresIn(lines: readonly string[]): LogFailure[] {
  return lines.flatMap((line, at) => {
    const found = inJson(line) ?? inText(line);
    if (!found) return [];
    const more = found.message ? '' : detailsAfter(lines, at);
    const cause = /Exception/.test(line) ? causesAfter(lines, at) : '';
    const message = shorten([found.message, more, cause].filter(Boolean).join('; '), 400);
    return [{ count: 1, ...found, message, atMs: timeIn(line) }];
  });
}

function inText(text: string): { code: string; message: string } | undefined {
  for (const form of FORMS) {
    const [, said, message = ''] = form.exec(text) ?? [];
    const code = codeOf(said);
    if (code !== undefined && code !== 'OK') return { code, message: message.trim() };
  }
  return undefined;
}

/** A JSON object in the line, whatever stands before it. */
function inJson(line: string): { code: string; message: string; count?: number } | undefined {
  const from = line.indexOf('{"');
  if (from < 0) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(line.slice(from));
  } catch {
    return undefined;
  }
  return inObject(parsed, 0);
}

const CODE_KEYS = ['code', 'grpc_code', 'grpc.code', 'grpcCode', 'status', 'statusCode', 'status_code'];
const MESSAGE_KEYS = ['details', 'message', 'error', 'err', 'grpc.error', 'reason', 'msg'];

function inObject(
  value: unknown,
  depth: number,
): { code: string; message: string; count?: number } | undefined {
  if (typeof value === 'string') return inText(value);
  if (typeof value !== 'object' || value === null || depth > 3) return undefined;
  const fields = new Map(Object.entries(value));
  const inside = [...fields.values()].map((field) => inObject(field, depth + 1)).find(Boolean);
  if (inside) return inside;
  const message = MESSAGE_KEYS.map((key) => fields.get(key)).find((text) => typeof text === 'string');
  // A number alone is a status only where it says so: there are HTTP's numbers too.
  const code = CODE_KEYS.filter(
    (key) => typeof fields.get(key) === 'string' || /grpc/.test(key) || fields.has('details'),
  )
    .map((key) => codeOf(fields.get(key)))
    .find(Boolean);
  if (code === undefined || code === 'OK') return undefined;
  const count = fields.get('count');
  return { code, message: String(message ?? ''), ...(typeof count === 'number' && count > 0 && { count }) };
}

/** `Unavailable`, `UNAVAILABLE`, 14. */
function codeOf(said: unknown): string | undefined {
  if (typeof said === 'number') return CODES[said];
  if (typeof said !== 'string') return undefined;
  const name = said.replaceAll(/([a-z])([A-Z])/g, '$1_$2').toUpperCase();
  const known = name === 'CANCELED' ? 'CANCELLED' : name;
  return CODES.includes(known) ? known : undefined;
}

function detailsAfter(lines: readonly string[], at: number): string {
  for (const line of lines.slice(at + 1, at + 4)) {
    const [, details] = /details = "(.*)"/.exec(line) ?? [];
    if (details !== undefined) return details;
  }
  return '';
}

function causesAfter(lines: readonly string[], at: number): string {
  const causes: string[] = [];
  for (const line of lines.slice(at + 1, at + 1 + GOES_ON)) {
    if (/Status(?:Runtime)?Exception: /.test(line) && !/^\s*Caused by/.test(line)) break;
    const [, cause] = /^\s*Caused by: (.*)/.exec(line) ?? [];
    if (cause !== undefined) causes.push(cause);
  }
  return causes.join('; ');
}

/** When a line was written, if it says so; without a zone it is taken for UTC, as containers mostly are. */
export function timeIn(line: string): number | undefined {
  const [, day, time, fraction = '', zone] =
    /(\d{4}[-/]\d\d[-/]\d\d)[T ](\d\d:\d\d:\d\d)([.,]\d{1,9})?\s?(Z|[+-]\d\d:?\d\d)?/.exec(line) ?? [];
  if (day !== undefined) {
    const hours = zone && /^[+-]\d{4}$/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3)}` : (zone ?? 'Z');
    const ms = fraction.replace(',', '.').slice(0, 4);
    const parsed = Date.parse(`${day.replaceAll('/', '-')}T${time}${ms}${hours}`);
    return Number.isNaN(parsed) ? undefined : parsed;
  }
  const [, epoch] = /"(?:ts|time|timestamp)":\s?"?(1\d{9}(?:\.\d+)?|1\d{12})\b/.exec(line) ?? [];
  if (epoch === undefined) return undefined;
  return Number(epoch) > 1e12 ? Number(epoch) : Number(epoch) * 1000;
}
