import type { Rule } from '../rule.ts';
import { failing, failureEvidence, servicesOf } from './say.ts';

/** How the libraries say that a message is over the limit, which is 4 MiB for what is received. */
const TOO_LARGE =
  /larger than max|size larger than|exceeds? (the )?maximum|message (length |size )?(too large|exceeds)|trying to send message larger|maximum configured message size|bigger than (the )?max|out of range:.*limit/i;

export const messageTooLarge: Rule = {
  cause: 'message-too-large',
  judge: (situation) => {
    const failures = failing(
      situation,
      /^(RESOURCE_EXHAUSTED|CANCELLED|INTERNAL|OUT_OF_RANGE|UNKNOWN)/,
    ).filter(({ message }) => TOO_LARGE.test(message));
    const [first] = failures;
    if (!first) return undefined;
    const [, size, limit] = /\((\d+) vs\.? (\d+)\)/.exec(first.message) ?? [];
    const [service] = servicesOf(situation);
    const isSending = /send/i.test(first.message);
    return {
      cause: 'message-too-large',
      certainty: 'certain',
      summary:
        size && limit
          ? `a message of ${size} bytes is over the limit of ${limit}`
          : `a message is over the limit: ${first.message.slice(0, 120)}`,
      evidence: failureEvidence(failures, 'it is refused for its size, whatever is in it'),
      fix: `page or stream what is sent; or raise ${isSending ? 'max_send_message_length of who sends' : 'max_receive_message_length'} on the client ${situation.client.ref} (answers) or the servers of ${service?.ref ?? 'the Service'} (requests)`,
    };
  },
};
