// A question in DNS' wire format, and the answer to it, cut to what the client takes. dns-packet reads and writes
// records; what it lacks is done here: names are compressed (without, 7 addresses of a Service would be too many for
// a plain UDP answer, and not 28), and an answer that is too long is cut and says so.
import { type Answer, decode, encode, type OptAnswer } from 'dns-packet';
import type { DnsAnswer } from './dns-records.ts';

const HEADER = 12;
const PLAIN_UDP_SIZE = 512;
/** The most that fits: into a UDP datagram over IPv4, and behind the length of a TCP message. */
const LARGEST = { udp: 65_507, tcp: 65_535 };

const FLAG = { response: 0x8000, authoritative: 0x0400, truncated: 0x0200, recursionDesired: 0x0100 };
const RCODE = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 };
/** A name that is the one of the question, which follows the header. */
const SAME_NAME = Buffer.from([0xc0, HEADER]);

/** @returns undefined when there is nothing to answer: too short to be a question, or an answer itself. */
export function respond(
  message: Buffer,
  transport: 'udp' | 'tcp',
  resolve: (name: string, type: string) => DnsAnswer,
): Buffer | undefined {
  if (message.length < HEADER) return undefined;
  const flags = message.readUInt16BE(2);
  if (flags & FLAG.response) return undefined;
  if (flags & 0x7800) return write(message, 'NOTIMP');
  const asked = read(message);
  if (!asked) return write(message, 'FORMERR');
  const { name, type, question, edns } = asked;
  if (asked.class !== 'IN') return write(message, 'REFUSED', { question });

  const { rcode, ...records } = resolve(name, type);
  const largest = transport === 'tcp' ? LARGEST.tcp : Math.max(PLAIN_UDP_SIZE, edns?.udpPayloadSize ?? 0);
  const options = edns
    ? [encodeRecord({ ...edns, name: '.', extendedRcode: 0, ednsVersion: 0, flags: 0, options: [] })]
    : [];
  const room = Math.min(largest, LARGEST[transport]) - HEADER - question.length - sizeOf(options);
  const sections = cut([records.answers, records.authority, records.additional], name, room);
  return write(message, rcode, { question, options, ...sections });
}

function read(message: Buffer) {
  const count = (index: number) => message.readUInt16BE(4 + 2 * index);
  const end = endOfQuestion(message);
  if (count(0) !== 1 || count(1) > 1 || count(2) > 1 || count(3) > 2 || !end) return undefined;
  try {
    const { questions, additionals } = decode(message);
    const [asked] = questions ?? [];
    const edns = additionals?.find((record): record is OptAnswer => record.type === 'OPT');
    return asked && { ...asked, question: message.subarray(HEADER, end), edns };
  } catch {
    return undefined;
  }
}

/** The question is sent back byte by byte, which keeps its case. */
function endOfQuestion(message: Buffer): number | undefined {
  let at = HEADER;
  while (message[at]) {
    const length = message[at] ?? 0;
    if (length > 63) return undefined;
    at += length + 1;
  }
  return at + 5 <= message.length ? at + 5 : undefined;
}

type Sections = { sections: Buffer[][]; truncated: boolean };

/** As many records as there is room for, in order. */
function cut(sections: readonly (readonly Answer[])[], questionName: string, room: number): Sections {
  let left = room;
  let truncated = false;
  const taken = sections.map((records) =>
    records.flatMap((record) => {
      if (truncated) return [];
      const bytes = encodeRecord(record, questionName);
      truncated = bytes.length > left;
      left -= bytes.length;
      return truncated ? [] : [bytes];
    }),
  );
  return { sections: taken, truncated };
}

function encodeRecord(record: Answer, questionName?: string): Buffer {
  const bytes = encode({ answers: [record] }).subarray(HEADER);
  if (record.name !== questionName) return bytes;
  return Buffer.concat([SAME_NAME, bytes.subarray(Buffer.byteLength(record.name) + 2)]);
}

function write(
  query: Buffer,
  rcode: keyof typeof RCODE,
  {
    question,
    options = [],
    sections = [],
    truncated = false,
  }: Partial<Sections> & { question?: Buffer; options?: Buffer[] } = {},
): Buffer {
  const [answers = [], authority = [], additional = []] = sections;
  const sent = query.readUInt16BE(2);
  const header = Buffer.alloc(HEADER);
  header.writeUInt16BE(query.readUInt16BE(0), 0);
  header.writeUInt16BE(
    FLAG.response |
      (sent & (0x7800 | FLAG.recursionDesired)) |
      FLAG.authoritative |
      (truncated ? FLAG.truncated : 0) |
      RCODE[rcode],
    2,
  );
  const counts = [question ? 1 : 0, answers.length, authority.length, additional.length + options.length];
  for (const [index, count] of counts.entries()) header.writeUInt16BE(count, 4 + 2 * index);
  return Buffer.concat([
    header,
    ...(question ? [question] : []),
    ...answers,
    ...authority,
    ...additional,
    ...options,
  ]);
}

const sizeOf = (buffers: readonly Buffer[]): number => buffers.reduce((sum, { length }) => sum + length, 0);
