// What an incident's two clients have to see, as a sentence and as a test of what they saw.
import { ended, type Reading } from './reading.ts';

export type Expectation = {
  /** Completes "the client …". */
  words: string;
  holds: (reading: Reading, seen: { oldPods: readonly string[]; pods: readonly string[] }) => boolean;
};

/** Nothing is wrong that this client could see. */
export const goesOn: Expectation = {
  words: 'goes on without a failed call',
  holds: ({ codes, failures }) => (codes.OK ?? 0) > 0 && failures.length === 0,
};

/** Calls fail with one of these codes; others may come through. @param message that one of the failures has. */
export const failsWith = (codes: string | readonly string[], message?: RegExp): Expectation => {
  const expected = [codes].flat();
  return {
    words: `fails with ${expected.join(' or ')}${message ? `, "${readable(message)}"` : ''}`,
    holds: ({ failures }) =>
      failures.some((each) => expected.includes(each.code) && (message?.test(each.message) ?? true)),
  };
};

/** No call comes through. */
export const onlyFails = (codes: string | readonly string[], message?: RegExp): Expectation => {
  const some = failsWith(codes, message);
  return {
    words: some.words.replace('fails', 'only fails'),
    holds: (reading, seen) => (reading.codes.OK ?? 0) === 0 && some.holds(reading, seen),
  };
};

/** Answers come, all of them from pods that were there before. */
export const onlyOldPods: Expectation = {
  words: 'is answered by the old pods alone',
  holds: ({ pods, failures }, { oldPods }) =>
    Object.keys(pods).length > 0 &&
    failures.length === 0 &&
    Object.keys(pods).every((pod) => oldPods.includes(pod)),
};

/** Answers come from every pod that there is. */
export const everyPod: Expectation = {
  words: 'is answered by every pod',
  holds: ({ pods }, { pods: all }) => all.length > 1 && all.every((pod) => (pods[pod] ?? 0) > 0),
};

/** Answers come, from one pod, though there are several. */
export const onePod: Expectation = {
  words: 'is answered by one pod alone',
  holds: (reading, { pods: all }) =>
    all.length > 1 && Object.keys(reading.pods).length === 1 && ended(reading) >= all.length * 5,
};

/** Answers come, and the client has ever more connections. */
export const connectionsGrow: Expectation = {
  words: 'has more and more connections',
  holds: ({ codes, connectionsGrown }) => (codes.OK ?? 0) > 0 && connectionsGrown >= 20,
};

/** One or the other: where it is chance, or the network's own way, which one it is. */
export const either = (...expectations: readonly Expectation[]): Expectation => ({
  words: expectations.map(({ words }) => words).join(', or '),
  holds: (reading, seen) => expectations.some((each) => each.holds(reading, seen)),
});

const readable = ({ source }: RegExp): string => source.replaceAll('|', '" or "').replaceAll('\\', '');
