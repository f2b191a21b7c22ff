import { answeredAddresses, type History } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { momentsOf } from './words.ts';

/** The name had one address, and always the same. */
export function answerConstant(history: History, { arm, name }: { arm: string; name: string }): Finding {
  const say = sayFor('answer-constant', arm);
  const answers = answeredAddresses(history, name);
  const heard = answers.filter(({ failed }) => failed === undefined);
  const [first] = heard;
  if (first === undefined) return say.unknown(`${name} was never answered`);
  const other = heard.find(({ addresses }) => addresses.length !== 1 || addresses[0] !== first.addresses[0]);
  if (other !== undefined) {
    const now = other.addresses.length === 0 ? 'no address' : other.addresses.join(', ');
    return say.fail(
      `${name} answered ${now} ${momentsOf(history, arm)(other.fromMs)}, ` +
        `where it is to answer ${first.addresses[0] ?? 'one address'} for ever`,
    );
  }
  const unheard = answers.find(({ failed }) => failed !== undefined);
  if (unheard) return say.unknown(`the resolver could not tell of ${name}: ${unheard.failed}`);
  return say.pass(`${name} answered ${first.addresses[0]} all the time`);
}
