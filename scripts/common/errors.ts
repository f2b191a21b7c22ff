// One error type for everything a user is told, and the exit codes of every command.

/** Exit codes: a passing run, a failing one, a usage or configuration error, a run that could not tell, Ctrl-C. */
export const EXIT = { pass: 0, fail: 1, usage: 2, unknown: 3, interrupted: 130 } as const;

export type LabErrorCode =
  /** The user asked for something that cannot be: exit 2. */
  | 'usage'
  /** Something that the lab needs is missing or too small: exit 2. */
  | 'prerequisite'
  /** A step of the lab failed: exit 1. */
  | 'failed'
  /** Infrastructure was lost in the middle of a run: exit 3. */
  | 'lost'
  /** Ctrl-C or SIGTERM: exit 130. */
  | 'interrupted';

const exitCodes: Record<LabErrorCode, number> = {
  usage: EXIT.usage,
  prerequisite: EXIT.usage,
  failed: EXIT.fail,
  lost: EXIT.unknown,
  interrupted: EXIT.interrupted,
};

/** What happened, and what the user can do about it. Never printed with a stack unless `--debug`. */
export class LabError extends Error {
  readonly code: LabErrorCode;
  /** What to do, as one or more lines; may be absent where nothing can be done. */
  readonly hint: string | undefined;

  constructor(code: LabErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'LabError';
    this.code = code;
    this.hint = options.hint;
  }

  get exitCode(): number {
    return exitCodes[this.code];
  }
}

/** The message of anything thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
