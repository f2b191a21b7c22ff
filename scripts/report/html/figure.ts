// A chart as data: what the page draws, what its CSV holds, what its text alternative says. It knows no chart library.

/** One value of each series by x; null where there is none. */
export type Cell = number | null;

/** What a series stands for, by which it gets its colour. */
export type Role =
  | 'old-pod'
  | 'new-pod'
  | 'unanswered'
  | 'p50'
  | 'p90'
  | 'p99'
  | 'max'
  | 'failure'
  /** One of several that are compared. */
  | 'item';

export type Series = { name: string; role: Role; values: Cell[] };

/** Something that happened at one time, or from one to another. In seconds, like the x of a chart over time. */
export type Happened = {
  kind: 'fault' | 'ready' | 'leaving' | 'part';
  /** In a word or two, to be written into the chart. */
  label: string;
  text: string;
  fromS: number;
  untilS: number | null;
};

export type Figure = {
  /** Unique in the page. */
  id: string;
  /** Those of a group are shown together, with one scale. */
  group: 'requests' | 'latency' | 'errors' | 'connections' | 'plot';
  title: string;
  shape: 'stacked-area' | 'lines' | 'stacked-bars' | 'curves';
  x: { label: string; values: number[]; log?: boolean | undefined };
  y: { label: string; log?: boolean | undefined };
  series: Series[];
  happened: Happened[];
  /** What a reader who does not see it should know. */
  summary: string;
};

/** The figure's numbers as a table: x first, one column a series. */
export function csvOf({ x, series }: Pick<Figure, 'x' | 'series'>): string {
  const quoted = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const head = [x.label, ...series.map(({ name }) => name)].map(quoted);
  const rows = x.values.map((value, index) => [value, ...series.map(({ values }) => values[index] ?? '')]);
  return `${[head, ...rows].map((row) => row.join(',')).join('\n')}\n`;
}
