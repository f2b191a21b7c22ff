// What is going on while an experiment runs: a bar per pod in a terminal, a line every few seconds elsewhere.
import { styleText } from 'node:util';
import { createLogUpdate } from 'log-update';
import { nowMs } from '../common/clock.ts';
import type { HistoryEvent, PodSeen } from '../history/index.ts';

export type Live = {
  see: (event: HistoryEvent) => void;
  /** What the experiment is at. */
  phase: (text: string) => void;
  end: () => void;
};

const REFRESH_MS = 500;
/** Requests per second are over this time. */
const SPAN_MS = 2000;
const PLAIN_EVERY_MS = 5000;

type PodRow = { pod: string; arm: string; isNew: boolean; ready: boolean; leaving: boolean };

/** Writes to stderr. */
export function liveView(): Live {
  const terminal = process.stderr.isTTY;
  const update = terminal ? createLogUpdate(process.stderr) : undefined;
  const pods = new Map<string, PodRow>();
  let recent: { pod: string; atMs: number }[] = [];
  let failed = 0;
  let changed = false;
  let phase = '';
  const beganMs = nowMs();

  const onPod = (seen: PodSeen) => {
    if (seen.app !== 'greeter-server') return;
    if (seen.deleted) {
      pods.delete(seen.pod);
      return;
    }
    const isNew = pods.get(seen.pod)?.isNew ?? changed;
    pods.set(seen.pod, { pod: seen.pod, arm: seen.arm, isNew, ready: seen.ready, leaving: seen.terminating });
  };
  const see = (event: HistoryEvent) => {
    if (event.type === 'pod') onPod(event);
    if (event.type === 'fault') changed = true;
    if (event.type !== 'call') return;
    if (event.pod !== undefined) recent.push({ pod: event.pod, atMs: event.atMs });
    if (event.code !== 'OK') failed += 1;
  };
  const rates = () => {
    const since = nowMs() - SPAN_MS;
    recent = recent.filter(({ atMs }) => atMs >= since);
    return Map.groupBy(recent, ({ pod }) => pod);
  };
  const draw = () => {
    const byPod = rates();
    const perSecond = (pod: string) => ((byPod.get(pod)?.length ?? 0) * 1000) / SPAN_MS;
    const rows = [...pods.values()].sort(
      (a, b) => b.arm.localeCompare(a.arm) || Number(a.isNew) - Number(b.isNew),
    );
    const most = Math.max(1, ...rows.map(({ pod }) => perSecond(pod)));
    const lines = rows.map((row) => barOf(row, perSecond(row.pod), most));
    return [
      `${elapsed(beganMs)}  ${phase}`,
      ...lines,
      failed > 0 ? styleText('red', `${failed} calls failed`) : '',
    ].join('\n');
  };
  const plain = () => {
    const byPod = rates();
    const arms = Map.groupBy(pods.values(), ({ arm }) => arm);
    const texts = [...arms].map(([arm, rows]) => {
      const served = rows.filter(({ pod }) => byPod.has(pod)).length;
      return `${arm} ${served} of ${rows.length} pods called`;
    });
    if (texts.length > 0)
      process.stderr.write(
        `${elapsed(beganMs)}  ${texts.sort().reverse().join(', ')}; ${failed} calls failed\n`,
      );
  };
  const timer = setInterval(() => (update ? update(draw()) : plain()), update ? REFRESH_MS : PLAIN_EVERY_MS);

  return {
    see,
    phase: (text) => {
      phase = text;
      if (!update) process.stderr.write(`${elapsed(beganMs)}  ${text}\n`);
    },
    end: () => {
      clearInterval(timer);
      update?.clear();
      update?.done();
    },
  };
}

function barOf({ pod, arm, isNew, ready, leaving }: PodRow, perSecond: number, most: number): string {
  const width = 30;
  const bar = '█'.repeat(Math.round((perSecond / most) * width)).padEnd(width);
  const state = leaving ? 'leaving' : !ready ? 'starting' : isNew ? 'new' : '';
  const colour = leaving || !ready ? 'yellow' : isNew ? 'green' : 'cyan';
  const name = pod.slice(-5);
  return `  ${arm.padEnd(10)} ${name} ${styleText(colour, bar, { stream: process.stderr })} ${perSecond.toFixed(0).padStart(4)}/s ${state}`;
}

const elapsed = (sinceMs: number): string => `${((nowMs() - sinceMs) / 1000).toFixed(0).padStart(4)}s`;
