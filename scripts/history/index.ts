// Everything seen in one run, on one clock: the vocabulary of events, and the questions that others ask of them.
export * from './addresses.ts';
export * from './attempts.ts';
export * from './calls.ts';
export * from './even.ts';
export * from './events.ts';
export * from './gaps.ts';
export * from './marks.ts';
export * from './places.ts';
export * from './pods.ts';
export * from './server-arm.ts';
export * from './shares.ts';
export * from './timeline.ts';
