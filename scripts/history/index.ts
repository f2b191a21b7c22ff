// Everything seen in one run, on one clock: the vocabulary of events, and the questions that others ask of them.
export * from './events.ts';
