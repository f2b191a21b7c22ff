// Arms of servers and clients that run side by side: deployed, loaded, acted on, recorded, and taken away again.
export { cleanUp, type OpenStage, openStage, refuseSharedNothing } from './open-stage.ts';
export type { ArmPlan, Stage } from './stage.ts';
