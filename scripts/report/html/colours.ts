// The page's colours, and which series gets which.
import type { Role, Series } from './figure.ts';

const names = ['text', 'quiet', 'line', 'faint', 'card', 'fault', 'ready', 'old', 'new', 'bad'] as const;
export type Colours = Record<(typeof names)[number] | 'old2' | 'new2' | 'bad2', string> & { items: string[] };

/** @param value of a custom property of the style sheet, by its name without the dashes. */
export function coloursFrom(value: (name: string) => string): Colours {
  const all = [...names, 'old2', 'new2', 'bad2'] as const;
  return {
    ...(Object.fromEntries(all.map((name) => [name, value(name)])) as Record<(typeof all)[number], string>),
    items: Array.from({ length: 8 }, (_, index) => value(`item${index + 1}`)),
  };
}

/** Of the series with that index: those of one role go from one colour to another. */
export function colourOf(colours: Colours, series: readonly Series[], index: number): string {
  const role = series[index]?.role ?? 'item';
  const same = series.flatMap((other, at) => (other.role === role ? [at] : []));
  const position = same.indexOf(index);
  const share = same.length < 2 ? 0 : position / (same.length - 1);
  const ramps: Partial<Record<Role, [string, string]>> = {
    'old-pod': [colours.old, colours.old2],
    'new-pod': [colours.new, colours.new2],
    failure: [colours.bad, colours.bad2],
  };
  const ramp = ramps[role];
  if (ramp) return mixed(ramp[0], ramp[1], share);
  if (role === 'unanswered') return colours.bad;
  if (role === 'p50') return colours.old;
  if (role === 'p90') return colours.items[2] ?? colours.old2;
  if (role === 'p99') return colours.new;
  if (role === 'max') return colours.bad;
  return colours.items[position % colours.items.length] ?? colours.old;
}

/** Of two colours `#rrggbb`. */
function mixed(from: string, to: string, share: number): string {
  const channel = (colour: string, at: number) => Number.parseInt(colour.slice(1 + 2 * at, 3 + 2 * at), 16);
  const channels = [0, 1, 2].map((at) =>
    Math.round(channel(from, at) * (1 - share) + channel(to, at) * share)
      .toString(16)
      .padStart(2, '0'),
  );
  return `#${channels.join('')}`;
}
