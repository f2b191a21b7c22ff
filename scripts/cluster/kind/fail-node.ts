// Nodes that fail, and are mended by whoever comes next.
import { LabError } from '../../common/errors.ts';
import { run } from '../../common/run.ts';
import { type Lab, readState, writeState } from '../lab.ts';
import type { NodeFailure, Work } from '../provider.ts';
import { nodeContainers } from './docker.ts';

/** For Docker to do one thing. */
const PATIENCE_MS = 60_000;

type Rule = { command: string; rule: string };
/**
 * All packets of a node and of its pods go through these chains, to and from the network that kind's nodes share; that has
 * IPv6 too, by which a kubelet talks to the API server.
 */
const RULES: readonly Rule[] = ['iptables', 'ip6tables'].flatMap((command) =>
  ['PREROUTING -i eth0', 'POSTROUTING -o eth0'].map((chain) => ({
    command: `${command} --wait --table mangle`,
    rule: `${chain} -j DROP`,
  })),
);

export async function failNode(lab: Lab, node: string, failure: NodeFailure): Promise<void> {
  if (failure === 'stop') {
    await run(['docker', 'kill', node], { timeoutMs: PATIENCE_MS });
    return;
  }
  // Remembered first: a run that is killed in between has left nothing that is not found.
  await remember(lab, (before) => [...new Set([...before, node])]);
  await inNode(
    node,
    inAll(({ command, rule }) => `${command} --insert ${rule}`),
  );
}

/** Starts what is stopped, and connects what is cut off. Says what it did; undefined when nothing was to be done. */
export async function mendNodes(lab: Lab, work: Work): Promise<string | undefined> {
  const nodes = await nodeContainers(lab.name);
  const stopped = [...nodes].filter(([, { running }]) => !running).map(([name]) => name);
  if (stopped.length > 0) {
    work.say(`starting ${stopped.join(', ')}`);
    await run(['docker', 'start', ...stopped], { signal: work.signal, timeoutMs: PATIENCE_MS });
  }
  const partitioned = ((await readState(lab))?.partitioned ?? []).filter((node) => nodes.has(node));
  await Promise.all(partitioned.map((node) => inNode(node, inAll(deleteAll))));
  if (partitioned.length > 0) await remember(lab, () => []);
  const did = [
    ...(stopped.length > 0 ? [`started ${stopped.join(', ')}`] : []),
    ...(partitioned.length > 0 ? [`connected ${partitioned.join(', ')}`] : []),
  ];
  return did.length > 0 ? did.join('; ') : undefined;
}

/** A machine without IPv6 has no ip6tables to ask. */
const inAll = (shellOf: (rule: Rule) => string): string =>
  RULES.map((rule) => {
    const shell = shellOf(rule);
    return rule.command.startsWith('ip6') ? `{ [ ! -e /proc/net/if_inet6 ] || ${shell}; }` : shell;
  }).join(' && ');

/** Until there is none like it, which is what 1 stands for; any other failure is one. */
const deleteAll = ({ command, rule }: Rule): string =>
  `until ${command} --check ${rule}; test $? -eq 1; do ${command} --delete ${rule} || exit; done`;

async function remember(lab: Lab, change: (before: readonly string[]) => string[]): Promise<void> {
  const state = await readState(lab);
  if (state === undefined) {
    throw new LabError(
      'failed',
      `this checkout does not know the lab "${lab.name}": another may have made it`,
      {
        hint: 'Run lab:down and lab:up here.',
      },
    );
  }
  await writeState(lab, { ...state, partitioned: change(state.partitioned ?? []) });
}

const inNode = (node: string, script: string): Promise<string> =>
  run(['docker', 'exec', node, 'sh', '-c', script], { timeoutMs: PATIENCE_MS });
