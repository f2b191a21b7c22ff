// Connections as servers count them, and what processes cost.
import { eventsOf, type History } from './events.ts';
import type { Part } from './marks.ts';
import { serverArmOf } from './server-arm.ts';

/** Connections that clients called one server on for the first time between two of its reports. */
export type Renewal = { pod: string; fromMs: number; untilMs: number; opened: number };

/** Between each two reports of each server of an arm, in a part of the run; a server that began anew counts from then on. */
export function renewalsIn(history: History, arm: string, { fromMs, untilMs }: Part): Renewal[] {
  const ofArm = serverArmOf(history, arm);
  const reports = eventsOf(history, 'counters').filter(
    ({ arm: of, atMs, connections }) =>
      of === ofArm && connections !== undefined && atMs >= fromMs && atMs <= untilMs,
  );
  return [...Map.groupBy(reports, ({ source }) => source)].flatMap(([pod, own]) =>
    own.slice(1).map((report, index) => {
      const before = own[index];
      const opened = (report.connections?.greeted ?? 0) - (before?.connections?.greeted ?? 0);
      return { pod, fromMs: before?.atMs ?? 0, untilMs: report.atMs, opened: Math.max(0, opened) };
    }),
  );
}

/** CPU time that the pods of an arm and app used between their first and last reading in a part of the run, per second. */
export function cpuPerSecondMs(history: History, arm: string, { fromMs, untilMs }: Part): number | undefined {
  const readings = eventsOf(history, 'cpu').filter(
    (reading) => reading.arm === arm && reading.atMs >= fromMs && reading.atMs <= untilMs,
  );
  const spent = [...Map.groupBy(readings, ({ source }) => source).values()].flatMap((own) => {
    const [first, last] = [own[0], own.at(-1)];
    if (!first || !last || last.atMs <= first.atMs || last.cpuMs < first.cpuMs) return [];
    return [((last.cpuMs - first.cpuMs) * 1000) / (last.atMs - first.atMs)];
  });
  return spent.length === 0 ? undefined : spent.reduce((sum, each) => sum + each, 0);
}
