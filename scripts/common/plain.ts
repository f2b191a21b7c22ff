/** What JSON makes of a type: dates are ISO 8601 text. */
export type Plain<T> = T extends Date
  ? string
  : T extends readonly (infer Each)[]
    ? Plain<Each>[]
    : T extends object
      ? { [Key in keyof T]: Plain<T[Key]> }
      : T;
