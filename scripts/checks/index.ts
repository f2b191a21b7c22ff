// What a history says: each check is a pure function from a history to a finding; findings add up to a verdict.
// For a control, to pass is to behave as expected.
export * from './accounting.ts';
export * from './amplification.ts';
export * from './calls-lost.ts';
export * from './connection-bound.ts';
export * from './even-in-tier.ts';
export * from './even-shares.ts';
export * from './finding.ts';
export * from './gone-pods-not-called.ts';
export * from './history-complete.ts';
export * from './local-again.ts';
export * from './local-only.ts';
export * from './moved-elsewhere.ts';
export * from './nearest-first.ts';
export * from './new-pods-idle.ts';
export * from './new-pods-served.ts';
export * from './no-failed-call.ts';
export * from './nobody-else-called.ts';
export * from './placed.ts';
export * from './prediction.ts';
export * from './random-spread.ts';
export * from './rate-held.ts';
export * from './said-once.ts';
export * from './steady-before.ts';
export * from './success-share.ts';
export * from './verdict.ts';
export * from './within-prediction.ts';
