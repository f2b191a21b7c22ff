// Drives the pods: clients that call, servers that behave; and records what all of them tell.
export * from './agent.ts';
export { type Recorder, startRecorder } from './recorder.ts';
