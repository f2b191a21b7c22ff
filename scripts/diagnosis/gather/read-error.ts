import { formatDuration } from '../../common/duration.ts';

/** Why something was not seen, for people. */
export class ReadError extends Error {
  /** HTTP status; undefined where there was no answer. */
  readonly status: number | undefined;

  constructor(message: string, status?: number, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.name = 'ReadError';
    this.status = status;
  }
}

/** @param what was asked: `list networkpolicies in shop`. @param said by the API server. */
export function refusal(what: string, status: number, said: string): ReadError {
  if (status === 401) return new ReadError('the API server does not know who asks (401)', status);
  if (status === 403) return new ReadError(`forbidden to ${what}`, status);
  if (status === 404) return new ReadError('not there', status);
  if (status === 410) return new ReadError('it changes faster than it can be read (410)', status);
  return new ReadError(`the API server answered ${status}${said ? `: ${said}` : ''}`, status);
}

export const late = (ms: number): ReadError => new ReadError(`no answer within ${formatDuration(ms)}`);

/** What was said: by the API server in a Status, or by whatever else has answered. */
export function messageIn(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? '';
  } catch {
    return text.trim().split('\n')[0]?.slice(0, 200) ?? '';
  }
}
