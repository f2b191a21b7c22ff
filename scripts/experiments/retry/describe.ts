// The prediction for people, in lines of at most 80 columns.
import { percent } from '../../checks/index.ts';
import { wrap } from '../../common/terminal.ts';
import { independentFailures, tippingOf } from './model.ts';
import type { Parameters } from './parameters.ts';
import { phasesOf, stepsOf } from './phases.ts';
import type { Expectation, PolicyArm } from './policies.ts';

export const describePolicies = (parameters: Parameters, arms: readonly PolicyArm[]): string =>
  [
    'Calls that succeed × attempts per call:',
    ...troubles(parameters, arms),
    'The same by how many calls are made, over those that servers can do:',
    ...sweep(parameters, arms),
    ...notes(parameters).map((note) => wrap(note, '  ', '')),
  ].join('\n');

function troubles(parameters: Parameters, arms: readonly PolicyArm[]): string[] {
  const phases = phasesOf(parameters).filter(({ trouble }) => trouble !== 'overload');
  const widths = [16, 15, 15, 0];
  return [
    row(['', 'healthy', ...phases.map(({ name }) => name)], widths),
    ...arms.map((arm) =>
      row(
        [
          arm.name,
          cell({ ...arm.healthy, kind: 'exact' }),
          ...phases.map((phase) => cell(arm.expected(phase))),
        ],
        widths,
      ),
    ),
  ];
}

function sweep({ overloads }: Parameters, arms: readonly PolicyArm[]): string[] {
  const names = arms.map(({ name }) => name);
  const widths = [8, ...names.map(({ length }) => Math.max(13, length) + 1)];
  return [
    row(['', ...names], widths),
    ...stepsOf(overloads).map((step) =>
      row([`${step.overload}`, ...arms.map((arm) => cell(arm.expected(step)))], widths),
    ),
  ];
}

const row = (cells: readonly string[], widths: readonly number[]): string =>
  cells
    .map((text, i) => text.padEnd(widths[i] ?? 0))
    .join('')
    .trimEnd();

function cell({ kind, share, shareMayBeOff = 0, attempts, down }: Expectation): string {
  const { mean, mayBeOff } = attempts;
  if (down) {
    const shares = [down.share, share].map((each) => (100 * each).toFixed(0));
    return `${shares.join('–')}% × ${mean.toFixed(0)}–${down.attempts.mean.toFixed(0)}`;
  }
  if (kind === 'about') return `${share < 1 ? '~' : ''}${percent(share)} × ${mean.toFixed(2)}`;
  if (kind === 'open') return `?${percent(share)} × ${mean.toFixed(2)}`;
  const [least, most] = [share - shareMayBeOff, share + shareMayBeOff].map(percent);
  const made =
    mayBeOff === 0 ? mean.toFixed(2) : `${(mean - mayBeOff).toFixed(1)}–${(mean + mayBeOff).toFixed(1)}`;
  return `${least === most ? least : `${least}–${most}`} × ${made}`;
}

function notes({ servers, attempts, failureShare, refusalCost }: Parameters): string[] {
  const again = { attempts, elsewhere: false };
  const sickAgain = 1 - independentFailures((servers - 1) / servers, again).share;
  const { from } = tippingOf(refusalCost, again);
  return [
    `failing: every server fails ${percent(failureShare)} of attempts, independently: of calls with up to ` +
      `${attempts} attempts 1 − ${failureShare}^${attempts} succeed.`,
    `sick: all but one of ${servers} servers fail everything. A retry of grpc-js may go to a sick one again: by ` +
      `chance ${percent(sickAgain)} of calls would go to ${attempts} of them in a row; turns are no dice, so half ` +
      'as many more or less may. One of grpc-kit goes elsewhere each time and finds the healthy one. At least half ' +
      `of ${(100 * sickAgain).toFixed(1)} points are to be between the two.`,
    `overload: a refused call costs ${refusalCost} of a served one, and retries are more calls. Up to 1 they do no ` +
      `harm while all is well, but from ${from.toFixed(2)} on servers that are down for a moment stay down: somewhere ` +
      'in between retries become worse than none. Throttling stops them: never worse than none.',
    '~ is what independent attempts would make of it: half of the difference from no policy is asked for. ' +
      'What has a ? is asked for by nothing but where retries become worse.',
  ];
}
