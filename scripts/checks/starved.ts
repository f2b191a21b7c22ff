import { callsStartedIn, type History, type Part } from '../history/index.ts';
import type { Finding } from './finding.ts';

/** A generator that starts a call this much late was starved: nothing else holds it up. */
export const STARVED_MS = 250;

/** What took other than predicted while the clients themselves were starved of CPU says nothing of gRPC: unknown. */
export function unlessStarved(history: History, part: Part, finding: Finding): Finding {
  const { arm, verdict, message } = finding;
  if (arm === undefined || verdict !== 'fail') return finding;
  const calls = callsStartedIn(history, arm, part.fromMs, part.untilMs);
  const latest = Math.max(0, ...calls.map(({ lateMs }) => lateMs));
  if (latest < STARVED_MS) return finding;
  return {
    ...finding,
    verdict: 'unknown',
    message: `the machine was too busy to tell, calls were started up to ${latest.toFixed(0)}ms late: ${message}`,
  };
}
