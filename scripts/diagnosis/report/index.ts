// What a diagnosis found, for people and for programs.
export { type Answer, answerOf } from './json.ts';
export { describeAnswer } from './text.ts';
