/** What was said beforehand of the time from a new pod's Ready to the slowest client's first call on it. */
export type Prediction =
  | {
      kind: 'never';
      why: string;
      /** The bound of the claim that these parameters break. */
      boundMs: number;
    }
  | {
      kind: 'interval';
      fromMs: number;
      toMs: number;
      /** Chance with which the time is expected in the interval, 0 to 1. */
      coverage: number;
      /** What the claim allows. */
      boundMs: number;
      explains: string;
    };
