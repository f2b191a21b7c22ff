// Lines out of bytes that may be anything: bounded in length and number while they come, made fit to print.
import { stripVTControlCharacters } from 'node:util';
import { redactText } from './redact.ts';

export type Lines = { lines: string[]; cut: boolean };

export type Bounds = {
  /** The newest are kept. */
  lines: number;
  /** Of the lines that are kept, in UTF-16 units. */
  chars: number;
  /** Of a line. */
  line: number;
  /** As many as were asked for: where they have come, there are more. */
  bytes: number;
};

/** As far as a line is looked at for secrets: one must not be cut before it is found. */
const LOOK_AHEAD = 2;

/** Reads to the end; at any time it has `bounds.chars`, and a line, in memory. */
export async function readLines(pieces: AsyncIterable<Uint8Array>, bounds: Bounds): Promise<Lines> {
  const decoder = new TextDecoder();
  const most = LOOK_AHEAD * bounds.line;
  const kept: string[] = [];
  let chars = 0;
  let bytes = 0;
  let cut = false;
  let line = '';
  const add = (text: string) => {
    const room = most - line.length;
    if (text.length > room) cut = true;
    line += text.slice(0, room);
  };
  const end = () => {
    if (line !== '') {
      kept.push(line);
      chars += line.length;
    }
    line = '';
    while (kept.length > bounds.lines || chars > bounds.chars) {
      chars -= kept.shift()?.length ?? 0;
      cut = true;
    }
  };
  for await (const piece of pieces) {
    bytes += piece.length;
    const [rest = '', ...begun] = decoder.decode(piece, { stream: true }).split('\n');
    add(rest);
    for (const text of begun) {
      end();
      add(text);
    }
  }
  end();
  // Together: a key goes over many lines.
  const clean = redactText(kept.map(printable).join('\n')).split('\n');
  return {
    lines: clean.map((text) => (text.length > bounds.line ? `${text.slice(0, bounds.line - 1)}…` : text)),
    cut: cut || bytes >= bounds.bytes || clean.some((text) => text.length > bounds.line),
  };
}

/** Without colours and with no character that a terminal would act on. */
const printable = (text: string): string =>
  stripVTControlCharacters(text)
    .replaceAll(/\r$/g, '')
    .replaceAll(/(?!\t)[\p{Cc}\p{Cs}\u2028\u2029]/gu, '\ufffd');
