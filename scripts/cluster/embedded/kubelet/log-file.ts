// A container's log on disk, in the format of the container runtime interface (time, stream, F or P, text), bounded:
// at 10 MB it becomes `.1`, in place of the one that was.
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { type Bell, createBell } from './waiting.ts';

type StreamName = 'stdout' | 'stderr';
export type LogFile = ReturnType<typeof createLogFile>;

const MOST_BYTES = 10 * 1024 * 1024;
/** Longer lines are written in parts. */
const LINE_BYTES = 16 * 1024;
const NEWLINE = 10;
const MESSAGE_LINES = 80;
const MESSAGE_BYTES = 2048;

/** Writes at once, so that nothing is lost with the supervisor and a flood waits in its own pipe. */
export function createLogFile(path: string, mostBytes = MOST_BYTES) {
  mkdirSync(dirname(path), { recursive: true });
  let fd = openSync(path, 'a');
  let size = 0;
  let rotations = 0;
  let closed = false;
  const news: Bell = createBell();
  const partial: Record<StreamName, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };

  function put(record: Buffer): void {
    try {
      if (size > 0 && size + record.length > mostBytes) rotate();
      writeSync(fd, record);
      size += record.length;
    } catch {
      // A full disk costs lines, not the supervisor.
    }
  }
  function rotate(): void {
    renameSync(path, `${path}.1`);
    const full = fd;
    // The old one is closed last: should there be no other, it is still the log.
    fd = openSync(path, 'a');
    closeSync(full);
    size = 0;
    rotations += 1;
  }

  return {
    path,
    write(stream: StreamName, chunk: Buffer): void {
      if (closed) return;
      const now = new Date().toISOString().replace('Z', '000000Z');
      const [full, part] = ['F', 'P'].map((tag) => Buffer.from(`${now} ${stream} ${tag} `));
      const text = partial[stream].length > 0 ? Buffer.concat([partial[stream], chunk]) : chunk;
      const records: Buffer[] = [];
      let from = 0;
      for (;;) {
        const end = text.indexOf(NEWLINE, from);
        const left = (end < 0 ? text.length : end) - from;
        if (left > LINE_BYTES) {
          records.push(part as Buffer, text.subarray(from, from + LINE_BYTES), Buffer.from('\n'));
          from += LINE_BYTES;
        } else if (end >= 0) {
          records.push(full as Buffer, text.subarray(from, end + 1));
          from = end + 1;
        } else break;
      }
      // A copy: a slice would keep all of the chunk.
      partial[stream] = Buffer.from(text.subarray(from));
      if (records.length > 0) {
        put(Buffer.concat(records));
        news.ring();
      }
    },
    /** A last line without its end is written as it is. */
    close(): void {
      if (closed) return;
      for (const stream of ['stdout', 'stderr'] as const) {
        const rest = partial[stream];
        const now = new Date().toISOString().replace('Z', '000000Z');
        if (rest.length > 0)
          put(Buffer.concat([Buffer.from(`${now} ${stream} P `), rest, Buffer.from('\n')]));
      }
      closed = true;
      closeSync(fd);
      news.ring();
    },
    /** The last lines, without their times, as a termination message: 80 lines and 2 KiB at most. */
    tail(): string {
      const records = readFileSync(path, 'utf8')
        .split('\n')
        .slice(-MESSAGE_LINES - 1);
      const text = records.map((record) => record.split(' ').slice(3).join(' ')).join('\n');
      return text.slice(-MESSAGE_BYTES);
    },
    /** For those that follow it. */
    news,
    rotations: () => rotations,
    isClosed: () => closed,
    /** From disk, closed. */
    remove(): void {
      for (const part of [`${path}.1`, path]) rmSync(part, { force: true });
    },
    /** The older part first. */
    parts: (): string[] => [`${path}.1`, path].filter((part) => existsSync(part)),
  };
}
