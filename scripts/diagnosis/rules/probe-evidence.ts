// What a probe answered, as evidence.
import type { Probe } from '../facts.ts';
import type { Evidence } from '../rule.ts';
import type { Probed } from '../situation/index.ts';
import { shorten } from '../words.ts';

export const tcpEvidence = (probe: Probed, says: string): Evidence => ({
  fact: `probe ${probe.where} tcp`,
  value: probe.tcp.error ?? `connected in ${Math.round(probe.tcp.ms)} ms`,
  says,
});

export const methodEvidence = (probe: Probed, says: string): Evidence => {
  const { code = 'not called', message, ms = 0 } = probe.method ?? {};
  return {
    fact: `probe ${probe.where} method`,
    value: shorten(`${code}${message ? ` "${message}"` : ''} after ${Math.round(ms)} ms`),
    says,
  };
};

export const lookupEvidence = ({ answer }: Probe, says: string): Evidence => ({
  fact: `probe lookup ${answer.host}`,
  value: answer.lookup.error ?? answer.lookup.addresses.join(', '),
  says,
});
