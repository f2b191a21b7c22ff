/** One change to a healthy service, that can be undone. Healing twice does no harm. */
export type Fault = {
  /** The field's word for it: `scale`, `delete-pods`, `freeze`. */
  name: string;
  /** The arm that it is injected into. */
  arm: string;
  /** What exactly, for the history: `greeter-server-treatment from 5 to 10 replicas`. */
  detail: string;
  /** Pods that it takes away for good, by their names. */
  takes?: readonly string[];
  /** Pods that it is done to, by their names, where it is not done to all of the arm. */
  pods?: readonly string[];
  /** Pods whose containers it restarts, by their names: that their processes forget all is no surprise. */
  restarts?: readonly string[];
  /** Pods that cannot be heard while it lasts, by their names; what they tell later is not lost. */
  silences?: readonly string[];
  inject: () => Promise<void>;
  heal: () => Promise<void>;
};
