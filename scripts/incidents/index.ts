// Incidents: what goes wrong with gRPC on Kubernetes, made to happen, and undone.

export { choose, chooseAtRandom, lacking } from './choose.ts';
export { findIncidents, variantOf } from './find.ts';
export type { Incident, Variant } from './incident.ts';
export { heal, takeAway } from './life.ts';
export { PAIRS } from './pairs.ts';
export { randomWorld } from './random-world.ts';
export {
  type Chosen,
  healAndWatch,
  injectAndWatch,
  type Recovery,
  type Symptoms,
  steadyState,
} from './run.ts';
export { showChange } from './show.ts';
export { type Injected, readState, type State } from './state.ts';
export {
  describeRecovery,
  tellChange,
  tellInjected,
  tellList,
  tellRecoveryJson,
  tellSymptoms,
} from './tell.ts';
export { DEFAULT_WORLD, type World } from './world.ts';
