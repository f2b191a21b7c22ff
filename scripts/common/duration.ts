import { LabError } from './errors.ts';

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** Milliseconds of `500ms`, `10s`, `1.5m`, `2h`. A number without a unit is refused: it would have to be guessed. */
export function parseDurationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text.trim());
  const [, amount, unit] = match ?? [];
  if (amount === undefined || unit === undefined) {
    throw new LabError('usage', `"${text}" is not a duration`, { hint: 'Write it as 500ms, 10s or 2m.' });
  }
  return Number(amount) * units[unit as keyof typeof units];
}

/** `850ms`, `12.3s`, `2m05s`: as short as it can be read. */
export function formatDuration(ms: number): string {
  if (Math.round(ms) < 1000) return `${Math.round(ms)}ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, '0')}s`;
}
