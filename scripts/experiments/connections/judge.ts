// Each aspect is judged beside its own control; the run is as good as the worst of them.
import { type Finding, type Judgement, restingOn, verdictOf, worstVerdict } from '../../checks/index.ts';
import type { History } from '../../history/index.ts';
import type { Judged } from '../experiment.ts';
import { type Aspect, basisOf } from './aspect.ts';

export function judgeConnections(history: History, aspects: readonly Aspect[]): Judged {
  const judged = aspects.map((aspect) => judgeAspect(history, aspect));
  return {
    findings: judged.flatMap(({ findings }) => findings),
    judgement: worstOf(judged.map(({ judgement }) => judgement)),
    tables: aspects.flatMap(({ tables }) => tables(history)),
  };
}

function judgeAspect(
  history: History,
  { arms, claims, treatment, control }: Aspect,
): { findings: Finding[]; judgement: Judgement } {
  const basis = arms.flatMap((arm) => basisOf(history, arm));
  const findings = [...restingOn(basis, claims(history)), ...basis];
  return { findings, judgement: verdictOf(findings, { treatment, control }) };
}

function worstOf(judgements: readonly Judgement[]): Judgement {
  const verdict = worstVerdict(judgements.map((each) => each.verdict));
  const deciding = judgements.filter((each) => each.verdict === verdict);
  return { verdict, reasons: deciding.flatMap(({ reasons }) => reasons) };
}
