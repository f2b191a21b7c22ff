// What can be done to a service, as values with inject and heal.
export { behaviourFault } from './behaviour.ts';
export { deletePodsFault } from './delete-pods.ts';
export { dnsFault } from './dns.ts';
export type { Fault } from './fault.ts';
export { freezeFault } from './freeze.ts';
export { killContainerFault } from './kill-container.ts';
export { nodeFault } from './node.ts';
export { notServingFault } from './not-serving.ts';
export { rolloutRestartFault } from './rollout-restart.ts';
export { scaleFault } from './scale.ts';
