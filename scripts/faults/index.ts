// What can be done to a service, as values with inject and heal.
export type { Fault } from './fault.ts';
export { scaleFault } from './scale.ts';
