import type { DnsProbed, DryRun, TcpProbed } from '../history/index.ts';
import { type Finding, sayFor } from './finding.ts';

export type Probe = DnsProbed | TcpProbed | DryRun;

export type Probed = {
  /** As what the finding is told. */
  arm: string;
  /** What was asked, for people. */
  asked: string;
  /** What may come of it, as `outcomeOf` has it. */
  expected: readonly string[];
  /** The probe; undefined when there was none. */
  probe: Probe | undefined;
};

/** A probe came out as expected. */
export function asProbed({ arm, asked, expected, probe }: Probed): Finding {
  const say = sayFor('as-probed', arm);
  if (probe === undefined) return say.unknown(`${asked}: it was not asked`);
  const outcome = outcomeOf(probe);
  // No answer of a resolver that does not answer says nothing of the name.
  if (outcome === 'EAI_AGAIN' || outcome === 'ETIMEOUT') return say.unknown(`${asked}: ${outcome}`);
  if (expected.includes(outcome)) return say.pass(`${asked}: ${outcome}, as expected`);
  return say.fail(`${asked}: ${outcome}, expected ${expected.join(' or ')}`);
}

/** `connected`, `3 addresses`, `port 50051`, `accepted`, `refused`, or the code of what went wrong. */
export function outcomeOf(probe: Probe): string {
  if (probe.type === 'dry-run') return probe.accepted ? 'accepted' : 'refused';
  if (probe.error !== undefined) return probe.error;
  if (probe.type === 'tcp-probe') return probe.connected ? 'connected' : 'not connected';
  if (probe.asked !== 'SRV')
    return `${probe.records.length} address${probe.records.length === 1 ? '' : 'es'}`;
  // Source: RFC 2782: priority, weight, port, target.
  const ports = new Set(probe.records.map((record) => record.split(' ')[2]));
  return `port ${[...ports].join(', ')}`;
}
