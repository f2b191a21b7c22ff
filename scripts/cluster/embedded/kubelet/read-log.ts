// Reads a container's log as the API gives it: the text alone, or with its times; from a time on, or the last lines.
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { LogOptions } from '../log-options.ts';
import type { LogFile } from './log-file.ts';

const CHUNK_BYTES = 64 * 1024;

export function readLog(file: LogFile, options: LogOptions): Readable {
  const gone = new AbortController();
  const stream = Readable.from(records(file, options, gone.signal), { objectMode: false });
  // A follower that waits for news is told to stop waiting.
  stream.once('close', () => {
    gone.abort();
    file.news.ring();
  });
  return stream;
}

async function* records(file: LogFile, options: LogOptions, signal: AbortSignal): AsyncGenerator<Buffer> {
  const { tailLines, limitBytes = Number.POSITIVE_INFINITY, timestamps = false } = options;
  const since = sinceOf(options);
  let left = limitBytes;
  /** Bounded by the reader: lines are handed on in blocks, not one by one. */
  function* shown(lines: readonly Buffer[]): Generator<Buffer> {
    const texts = lines.filter((line) => since === undefined || timeOf(line) >= since);
    const block = Buffer.concat(texts.map((line) => textOf(line, timestamps))).subarray(0, left);
    left -= block.length;
    if (block.length > 0) yield block;
  }

  const position = { file: undefined as FileHandle | undefined, rotations: 0, offset: 0 };
  try {
    let last: Buffer[] = [];
    const parts = file.parts();
    position.rotations = file.rotations();
    for (const [index, part] of parts.entries()) {
      const handle = await open(part);
      const isNewest = index === parts.length - 1;
      if (isNewest) position.file = handle;
      try {
        for await (const { lines, offset } of blocks(handle, 0)) {
          if (isNewest) position.offset = offset;
          if (tailLines === undefined) yield* shown(lines);
          else last = tail([...last, ...lines], tailLines);
          if (left <= 0) return;
        }
      } finally {
        if (!isNewest) await handle.close();
      }
    }
    yield* shown(last);
    // Asked for before each read: news that comes between a read and the wait for it is not missed.
    let news = file.news.wait(Number.POSITIVE_INFINITY);
    while (options.follow && left > 0 && position.file && !signal.aborted) {
      const closed = file.isClosed();
      const rotations = file.rotations();
      let found = false;
      for await (const { lines, offset } of blocks(position.file, position.offset)) {
        position.offset = offset;
        found = true;
        yield* shown(lines);
      }
      if (found) continue;
      if (rotations !== position.rotations) {
        await position.file.close();
        position.file = undefined;
        position.file = await open(file.path);
        Object.assign(position, { rotations, offset: 0 });
      } else if (closed) return;
      else {
        await news;
        news = file.news.wait(Number.POSITIVE_INFINITY);
      }
    }
  } finally {
    await position.file?.close();
  }
}

/** Whole lines, and where the next ones begin. */
async function* blocks(file: FileHandle, from: number): AsyncGenerator<{ lines: Buffer[]; offset: number }> {
  let offset = from;
  let rest = Buffer.alloc(0);
  for (;;) {
    const buffer = Buffer.alloc(CHUNK_BYTES);
    const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, offset + rest.length);
    if (bytesRead === 0) return;
    const text = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = text.indexOf(10); end >= 0; end = text.indexOf(10, start)) {
      lines.push(text.subarray(start, end + 1));
      start = end + 1;
    }
    rest = text.subarray(start);
    offset += start;
    if (lines.length > 0) yield { lines, offset };
  }
}

/** `2026-01-01T00:00:00.000000000Z stdout F text` */
const SPACES = 3;
function textOf(line: Buffer, timestamps: boolean): Buffer {
  let at = -1;
  for (let space = 0; space < SPACES; space += 1) at = line.indexOf(32, at + 1);
  const isPart = line[at - 1] === 'P'.charCodeAt(0);
  const text = line.subarray(at + 1, isPart ? line.length - 1 : line.length);
  return timestamps ? Buffer.concat([line.subarray(0, line.indexOf(32) + 1), text]) : text;
}

const timeOf = (line: Buffer): number => Date.parse(line.subarray(0, line.indexOf(32)).toString());

const tail = (lines: Buffer[], count: number): Buffer[] => (count > 0 ? lines.slice(-count) : []);

function sinceOf({ sinceSeconds, sinceTime }: LogOptions): number | undefined {
  if (sinceSeconds !== undefined) return Date.now() - sinceSeconds * 1000;
  return sinceTime === undefined ? undefined : Date.parse(sinceTime);
}
