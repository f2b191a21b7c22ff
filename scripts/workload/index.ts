// Drives the pods: clients that call, servers that behave; and records what all of them tell.
export * from './agent.ts';
export { startRecorder } from './recorder.ts';
