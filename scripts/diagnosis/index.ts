// Names the cause of an incident: facts are gathered once and are plain data, a diagnosis is a pure function of them.
export { CAUSES, type Cause } from './causes.ts';
export type { Facts, Question } from './facts.ts';
export { readFacts, writeFacts } from './facts-file.ts';
export { type Access, checkQuestion, gatherFacts, readingAccess, withProbe } from './gather/index.ts';
export { judge } from './judge.ts';
export { askedOf, onContext, onLab, type Place } from './place.ts';
export { answerOf, describeAnswer } from './report/index.ts';
