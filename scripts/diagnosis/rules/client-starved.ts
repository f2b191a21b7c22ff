import type { Evidence, Rule } from '../rule.ts';
import type { Situation } from '../situation/index.ts';
import { answered } from '../situation/index.ts';
import { methodEvidence } from './probe-evidence.ts';
import { failing, failureEvidence, kubectl } from './say.ts';

/** A tenth of a core: a program that has no more is held back often. */
const TINY_CORES = 0.1;
/** A share of a client's deadline that its own process takes away. */
const MUCH_OF_DEADLINE = 0.25;
/** What is taken for a client's deadline where it is longer, or not known. */
const LONGEST_DEADLINE_MS = 10_000;
const LONG_DELAY_MS = 100;
/** Of the periods in which it had something to do. */
const OFTEN = 0.25;
const ENOUGH_PERIODS = 20;

export type Starvation = { pod: string; byMs: number; certain: boolean; evidence: Evidence[] };

/** The client has no time to read its answers: its CPU limit, or what blocks its event loop. */
export const clientStarved: Rule = {
  cause: 'client-starved',
  judge: (situation) => {
    const late = failing(situation, /DEADLINE_EXCEEDED/);
    if (late.length === 0) return undefined;
    const [worst] = starvationOf(situation);
    const tiny = situation.client.containers.find(
      ({ init, cpuLimit }) => !init && cpuLimit !== undefined && cpuLimit <= TINY_CORES,
    );
    // A client that tells how it is, and is well, is not starved, whatever its limit.
    if (!worst && (!tiny || situation.agents.some(({ process }) => process))) return undefined;
    const quick =
      situation.probed.find((probe) => !probe.byClient && answered(probe)) ?? situation.probed.find(answered);
    const { client } = situation;
    const limited = tiny ?? client.containers.find(({ cpuLimit }) => cpuLimit !== undefined);
    return {
      cause: 'client-starved',
      certainty: worst ? (worst.certain ? 'certain' : 'likely') : 'possible',
      summary: worst
        ? `the client ${worst.pod} is late itself: its process does nothing for ${Math.round(worst.byMs)} ms at a time`
        : `the client ${client.ref} has ${tiny?.cpuLimit} of a core, and its calls run out of time`,
      evidence: [
        ...(worst?.evidence ?? []),
        ...(tiny
          ? [
              {
                fact: `${client.kind} ${client.ref} container ${tiny.name} resources.limits.cpu`,
                value: `${tiny.cpuLimit} cores`,
                says: 'it is held back when it needs more',
              },
            ]
          : []),
        ...(quick
          ? [methodEvidence(quick, 'a call of its own is answered in time: it is not the server')]
          : []),
        ...failureEvidence(late, 'calls run out of time'),
      ],
      fix: limited
        ? `${kubectl(client.namespace, `set resources ${client.kind.toLowerCase()}/${client.name} -c ${limited.name} --limits=cpu=1`)}; and take what blocks the event loop out of the process`
        : `take what blocks the event loop of ${client.ref} out of it (a worker thread), or give it more CPU`,
    };
  },
};

/** Clients that are late themselves, the worst first. */
export function starvationOf({ agents }: Situation): Starvation[] {
  return agents
    .flatMap(({ pod, process, workloads }) => {
      if (!process) return [];
      const { eventLoopDelay: delay, throttling, cpuShare } = process;
      const deadlineMs = Math.min(...workloads.map(({ spec }) => spec.deadlineMs));
      const enough = MUCH_OF_DEADLINE * Math.min(deadlineMs, LONGEST_DEADLINE_MS);
      const isLate = delay.p99Ms >= LONG_DELAY_MS && delay.maxMs >= enough;
      const held =
        throttling && throttling.periods >= ENOUGH_PERIODS
          ? throttling.throttledPeriods / throttling.periods
          : 0;
      if (!isLate && held < OFTEN) return [];
      return [
        {
          pod,
          byMs: delay.maxMs,
          certain: isLate,
          evidence: [
            {
              fact: `event loop delay of ${pod}`,
              value: `p99 ${Math.round(delay.p99Ms)} ms, max ${Math.round(delay.maxMs)} ms`,
              says: `${Number.isFinite(deadlineMs) ? `of a deadline of ${deadlineMs} ms; ` : ''}it used ${cpuShare.toFixed(2)} of a core`,
            },
            ...(throttling
              ? [
                  {
                    fact: `CPU throttling of ${pod}`,
                    value: `${throttling.throttledPeriods} of ${throttling.periods} periods, limit ${throttling.limitCores ?? 'none'}`,
                    says: held >= OFTEN ? 'its limit holds it back' : 'its limit is not what holds it back',
                  },
                ]
              : []),
          ],
        },
      ];
    })
    .toSorted((a, b) => b.byMs - a.byMs);
}
