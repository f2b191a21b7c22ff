import type { Evidence, Rule } from '../rule.ts';
import { answered, type Failure, type Probed, type Situation } from '../situation/index.ts';
import { listOf } from '../words.ts';
import { methodEvidence } from './probe-evidence.ts';
import { failing, failureEvidence, servicesOf } from './say.ts';

/** Codes of protobuf's own troubles, by library. */
const UNDECODABLE =
  /deserializ|unmarshal|parsing error|failure parsing|failed to parse|invalid protobuf|invalid wire|wire-format|wire type|index out of range: \d+ \+|error (de)?serializing|protocol message .*(truncated|invalid)|decode/i;
/** A gateway that has no way for a path says the same code. */
const BY_HTTP = /HTTP status code|404 \(Not Found\)/i;
const METHOD = /\/?([\w.]+\.[A-Z]\w*)\/(\w+)/;
const GO_SERVICE = /unknown (?:service|method \w+ for service) ([\w.]+)/;

/** Client and server do not have the same .proto: a method that the server does not know, messages it cannot read. */
export const protoMismatch: Rule = {
  cause: 'proto-mismatch',
  judge: (situation) => {
    const unknown = failing(situation, /^UNIMPLEMENTED/).filter(({ message }) => !BY_HTTP.test(message));
    const unread = failing(situation, /^(INTERNAL|UNKNOWN|INVALID_ARGUMENT|CANCELLED)/).filter(
      ({ message }) => UNDECODABLE.test(message),
    );
    const probed = situation.probed.find(({ method }) => method?.code === 'UNIMPLEMENTED');
    const failures = [...unknown, ...unread];
    if (failures.length === 0 && !(probed && !situation.calls.answering)) return undefined;
    // A fresh call of the same method that is answered: those of before had another server.
    if (unread.length === 0 && !probed && situation.probed.some(answered)) return undefined;
    const asked = serviceAsked(failures, probed);
    const listed = situation.probed.flatMap(({ reflection, where }) =>
      reflection?.services ? [{ where, services: reflection.services }] : [],
    );
    const [first] = listed;
    const has = asked !== undefined && (first?.services.includes(asked) ?? false);
    const own = first?.services.filter((name) => !/^grpc\.(reflection|health|channelz)/.test(name)) ?? [];
    const evidence: Evidence[] = [
      ...failureEvidence(
        failures,
        unknown.length > 0
          ? 'the server does not know the method'
          : 'one side cannot read what the other wrote',
      ),
      ...(probed ? [methodEvidence(probed, 'nor does it know it when it is called afresh')] : []),
      ...(first && asked
        ? [
            {
              fact: `probe ${first.where} reflection`,
              value: listOf(own, 6),
              says: has ? `it has ${asked}, but not this method` : `no ${asked} is among them`,
            },
          ]
        : []),
    ];
    const service = servicesOf(situation)[0];
    return {
      cause: 'proto-mismatch',
      certainty: unread.length > 0 || (probed && first && !has) || unknown.length > 0 ? 'certain' : 'likely',
      summary:
        unread.length > 0
          ? `client and server disagree on a message: ${unread[0]?.message.slice(0, 120)}`
          : `the client calls ${asked ?? 'a method'}, which the servers${service ? ` behind ${service.name}` : ''} do not have${own.length > 0 && !has ? ` (they have ${listOf(own, 3)})` : ''}`,
      evidence,
      fix: fixOf(situation, asked, own),
    };
  },
};

function serviceAsked(failures: readonly Failure[], probed: Probed | undefined): string | undefined {
  for (const text of [...failures.map(({ message }) => message), probed?.method?.message ?? '']) {
    const service = GO_SERVICE.exec(text)?.[1] ?? METHOD.exec(text)?.[1];
    if (service) return service;
  }
  return undefined;
}

function fixOf({ client }: Situation, asked: string | undefined, own: readonly string[]): string {
  const [like] = own;
  const rename = asked && like ? ` (the client has ${asked}, the server ${like})` : '';
  return `build the client ${client.ref} and its server from the same .proto${rename}; a server that must serve older clients registers the service under both names`;
}
