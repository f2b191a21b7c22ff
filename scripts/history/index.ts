// Everything seen in one run, on one clock: the vocabulary of events, and the questions that others ask of them.
export * from './attempts.ts';
export * from './calls.ts';
export * from './connections.ts';
export * from './even.ts';
export * from './events.ts';
export * from './faults.ts';
export * from './gaps.ts';
export * from './listed.ts';
export * from './marks.ts';
export * from './outage.ts';
export * from './places.ts';
export * from './pods.ts';
export * from './renewals.ts';
export * from './server-arm.ts';
export * from './shares.ts';
export * from './silence.ts';
export * from './timeline.ts';
