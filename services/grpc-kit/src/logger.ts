/** Where grpc-kit says what a person may want to know. Each condition is said when it begins, and when it ends. */
export type Logger = {
  info: (message: string) => void;
  warn: (message: string) => void;
};

/** Warnings to `console.warn`, nothing else. */
export const defaultLogger: Logger = {
  info: () => {},
  warn: (message) => console.warn(`grpc-kit: ${message}`),
};
