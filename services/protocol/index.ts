// The control protocol between the lab (scripts/) and its pods (services/): what may be asked of them
// over HTTP, and what they tell. Both sides import it; it imports neither.
export * from './behaviour.ts';
export * from './events.ts';
export * from './names.ts';
export * from './path-probe.ts';
export * from './probe.ts';
export * from './workload.ts';
