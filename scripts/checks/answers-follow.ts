import { formatDuration } from '../common/duration.ts';
import {
  answeredAddresses,
  answeredAfterMs,
  type History,
  readyAddresses,
  sameAddresses,
} from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, momentsOf } from './words.ts';

type Params = {
  /** As what the finding is told. */
  arm: string;
  /** Of the watched name, and of its Service. */
  name: string;
  boundMs: number;
  /** End of the time of observation. */
  untilMs: number;
};

/** A client may hear of a change so much before the lab does. */
const EARLY_MS = 1000;

/**
 * The name's answer was what the Service's EndpointSlices had as ready, within the bound after each change that lasted
 * longer than the bound; and never anything else.
 */
export function answersFollow(history: History, { arm, name, boundMs, untilMs }: Params): Finding {
  const say = sayFor('answers-follow', arm);
  const moment = momentsOf(history, arm);
  const answers = answeredAddresses(history, name);
  const [first] = answers;
  if (first === undefined) return say.unknown(`${name} was not watched`);
  const slices = readyAddresses(history, name);
  const lasting = slices
    .map((span) => ({
      ...span,
      fromMs: Math.max(span.fromMs, first.fromMs),
      untilMs: Math.min(span.untilMs, untilMs),
    }))
    .filter((span) => span.untilMs - span.fromMs > boundMs);
  if (lasting.length < 2) return say.unknown(`the EndpointSlices of ${name} did not change`);

  const followed = lasting.map((span) => ({ span, afterMs: answeredAfterMs(span, answers) }));
  const late = followed.find(({ afterMs }) => afterMs === undefined || afterMs > boundMs);
  if (late !== undefined) {
    const { fromMs, untilMs: toMs, addresses } = late.span;
    const had = `${describe(addresses)} ready ${moment(fromMs)}`;
    const unheard = answers.find(
      (answer) => answer.failed && answer.fromMs < toMs && answer.untilMs > fromMs,
    );
    if (unheard)
      return say.unknown(`the resolver could not tell ${moment(unheard.fromMs)}: ${unheard.failed}`);
    return late.afterMs === undefined
      ? say.fail(`${name} never answered what its slices had for ${formatDuration(toMs - fromMs)}: ${had}`)
      : say.fail(`${name} answered what its slices had, ${had}, after ${formatDuration(late.afterMs)}`);
  }
  const stray = answers.find(
    (answer) =>
      answer.failed === undefined &&
      !slices.some(
        (span) =>
          span.fromMs - EARLY_MS <= answer.fromMs &&
          span.untilMs + boundMs >= answer.fromMs &&
          sameAddresses(span, answer),
      ),
  );
  if (stray !== undefined) {
    return say.fail(
      `${name} answered ${describe(stray.addresses)} that its slices did not have ${moment(stray.fromMs)}`,
    );
  }
  const slowest = Math.max(...followed.map(({ afterMs = 0 }) => afterMs));
  return say.pass(
    `${count(lasting.length - 1, 'change')} of the EndpointSlices of ${name}: ` +
      `the answer followed within ${formatDuration(slowest)}, bound ${formatDuration(boundMs)}`,
  );
}

const describe = (addresses: readonly string[]): string =>
  `${addresses.length === 0 ? 'no' : addresses.length} address${addresses.length === 1 ? '' : 'es'}`;
