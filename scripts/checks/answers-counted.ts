import { answeredAddresses, type History } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, listOf } from './words.ts';

/** A moment in the run, and how many addresses a name is to have then. */
export type Counted = { when: string; atMs: number; expected: number };

/** At each of these moments the name's answer had as many addresses as were expected. */
export function answersCounted(
  history: History,
  { arm, name, moments }: { arm: string; name: string; moments: readonly Counted[] },
): Finding {
  const say = sayFor('answers-counted', arm);
  const answers = answeredAddresses(history, name);
  if (answers.length === 0) return say.unknown(`${name} was not watched`);
  const found = moments.map((moment) => ({
    ...moment,
    answer: answers.findLast(({ fromMs }) => fromMs <= moment.atMs),
  }));
  const unheard = found.filter(({ answer }) => answer === undefined || answer.failed !== undefined);
  if (unheard.length > 0 || moments.length === 0) {
    const reasons = unheard.map(({ when, answer }) => `${when}: ${answer?.failed ?? 'no answer yet'}`);
    return say.unknown(`the resolver could not tell of ${name}: ${listOf(reasons)}`);
  }
  const wrong = found.filter(({ answer, expected }) => answer?.addresses.length !== expected);
  if (wrong.length > 0) {
    const list = wrong.map(
      ({ when, answer, expected }) => `${when} ${answer?.addresses.length}, expected ${expected}`,
    );
    return say.fail(`${name} had the wrong number of addresses: ${listOf(list)}`);
  }
  return say.pass(
    `${name} had ${listOf(
      found.map(({ expected }) => `${expected}`),
      moments.length,
    )} addresses, ` + `as expected after each of ${count(moments.length, 'change')}`,
  );
}
