/** Where grpc-kit says what a person may want to know. Each condition is said when it begins, and when it ends. */
export type Logger = {
  info: (message: string) => void;
  warn: (message: string) => void;
};

const guarded = new WeakMap<Logger, Logger>();

/** @returns the logger, the same one each time, but that what it throws ends nothing that it is told of. */
export function guardedLogger(logger: Logger): Logger {
  const known = guarded.get(logger);
  if (known !== undefined) return known;
  const say = (level: keyof Logger) => (message: string) => {
    try {
      logger[level](message);
    } catch {
      // There is nowhere left to say it.
    }
  };
  const guard = { info: say('info'), warn: say('warn') };
  guarded.set(logger, guard);
  return guard;
}

/** Warnings to `console.warn`, nothing else. */
export const defaultLogger: Logger = {
  info: () => {},
  warn: (message) => console.warn(`grpc-kit: ${message}`),
};
