// What each name is to answer, and what that adds up to.
import {
  answerConstant,
  answersCounted,
  answersFollow,
  asProbed,
  type Finding,
  historyComplete,
  type Probe,
  rateHeld,
  restingOn,
  verdictOf,
} from '../../checks/index.ts';
import { between, eventsOf, type History } from '../../history/index.ts';
import type { Judged } from '../experiment.ts';
import { doneOf } from './moments.ts';
import { ARM, actionsOf, CONTROL, type Fact, WATCHED } from './names.ts';
import type { Parameters } from './parameters.ts';
import { addressPlot, answerTable, factTable, leavingTable } from './tables.ts';

export function judgeDns(history: History, parameters: Parameters, facts: readonly Fact[]): Judged {
  const basis = basisOf(history, parameters);
  const claims = [
    ...(['headless', 'published'] as const).flatMap((role) => followsOf(history, role, parameters)),
    answerConstant(history, { arm: CONTROL, name: WATCHED[CONTROL] }),
    ...facts.map((fact) =>
      asProbed({
        arm: fact.role,
        asked: fact.asks,
        expected: fact.expected,
        probe: probeOf(history, fact, parameters),
      }),
    ),
  ];
  const findings = [...restingOn(basis, claims), ...basis];
  return {
    findings,
    judgement: verdictOf(findings, { treatment: ['headless', 'published'], control: CONTROL }),
    tables: [
      answerTable(history, parameters),
      factTable(facts.map((fact) => ({ fact, probe: probeOf(history, fact, parameters) }))),
      leavingTable(history),
    ],
    plots: [addressPlot(history)],
  };
}

/** One client asks for all names: what it lacks, all lack. Its calls are its pulse. */
function basisOf(history: History, { ratePerSecond }: Parameters): Finding[] {
  const ofArm = [
    historyComplete(history, { arm: ARM, clients: 1 }),
    rateHeld(history, { arm: ARM, ratePerSecond }),
  ];
  return ofArm.map(({ arm: _, ...ofRun }) => ofRun);
}

function followsOf(history: History, role: 'headless' | 'published', parameters: Parameters): Finding[] {
  const done = doneOf(history, parameters);
  const name = WATCHED[role];
  const { untilMs } = between(history, 'baseline', 'end');
  const moments = done.map(({ name: when, addresses, untilMs: atMs }) => ({
    when,
    atMs,
    expected: addresses[role],
  }));
  const isAll = done.length === actionsOf(parameters).length;
  return [
    answersFollow(history, { arm: role, name, boundMs: parameters.boundMs, untilMs }),
    answersCounted(history, { arm: role, name, moments: isAll ? moments : [] }),
  ];
}

/** The probe that answers a question, asked while there were pods or while there was none. */
export function probeOf(history: History, fact: Fact, parameters: Parameters): Probe | undefined {
  const done = doneOf(history, parameters);
  const zeroMs = done.find(({ addresses }) => addresses.headless === 0)?.askedMs ?? Number.POSITIVE_INFINITY;
  const isThen = ({ atMs }: { atMs: number }) => atMs >= zeroMs === (fact.when === 'none');
  switch (fact.kind) {
    case 'tcp':
      return eventsOf(history, 'tcp-probe').find(
        (probe) => isThen(probe) && probe.host === fact.host && probe.port === fact.port,
      );
    case 'dns':
      return eventsOf(history, 'dns-probe').find(
        (probe) => isThen(probe) && probe.name === fact.name && probe.asked === fact.type,
      );
    case 'dry-run':
      return eventsOf(history, 'dry-run').find(({ name }) => name === fact.object.metadata.name);
  }
}
