import { type Call, callsOf, endedMs, type History } from '../history/index.ts';
import { DROPPED, endedAs, isCut, RESET } from './cut-after-grace.ts';
import { type Finding, sayFor } from './finding.ts';
import { count, listOf } from './words.ts';

/** Calls that are cut with one connection end within this time of each other. */
const TOGETHER_MS = 500;

/**
 * How calls end that are cut together. A server of grpc-js that cuts a connection destroys its streams one after another,
 * and each is reset, without a status, which is INTERNAL; with the last stream goes the connection, before that one is
 * reset, and its call is UNAVAILABLE.
 */
export function codesWhenCut(history: History, { arm }: { arm: string }): Finding {
  const say = sayFor('codes-when-cut', arm);
  const byClient = Map.groupBy(callsOf(history, arm).filter(isCut), ({ source }) => source);
  const cut = [...byClient.values()].flatMap(together);
  if (cut.length === 0) return say.unknown('no call was cut');
  const figures = cut.map((calls) => ({
    dropped: calls.filter((call) => endedAs(call, DROPPED)).length,
    reset: calls.filter((call) => endedAs(call, RESET)).length,
  }));
  const inWords = figures.map(
    ({ dropped, reset }) => `${dropped} ${DROPPED.code} and ${reset} ${RESET.code}`,
  );
  const message = `cut ${count(cut.length, 'time')}, with ${listOf(inWords)}`;
  return figures.every(({ dropped }) => dropped === 1) ? say.pass(message) : say.fail(message);
}

function together(calls: readonly Call[]): Call[][] {
  const groups: Call[][] = [];
  for (const call of calls.toSorted((a, b) => endedMs(a) - endedMs(b))) {
    const group = groups.at(-1);
    const before = group?.at(-1);
    if (group && before && endedMs(call) - endedMs(before) <= TOGETHER_MS) group.push(call);
    else groups.push([call]);
  }
  return groups;
}
