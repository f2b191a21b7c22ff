// npm run lab:status – nodes, pods by node, images, and what is out of date.
import { chooseProvider, DEFAULT_LAB, type LabStatus, labNamed, status } from './cluster/index.ts';
import { main, say } from './common/cli.ts';
import { EXIT } from './common/errors.ts';
import { jsonOption, labCommand, refuseMisuse } from './common/options.ts';
import { paintOut } from './common/terminal.ts';

const command = labCommand(
  'lab:status',
  'Show the nodes, pods and images of the lab, and what is out of date.',
)
  .option('--name <name>', 'name of the lab', DEFAULT_LAB)
  .addOption(jsonOption())
  .parse();

await main(async (signal) => {
  refuseMisuse(command, 'lab:status');
  const { name, json } = command.opts();
  const lab = labNamed(name);
  const { provider } = await chooseProvider(lab, 'auto');
  const found = await status(lab, provider, signal);
  if (json) process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
  else process.stdout.write(`${describe(found)}\n`);
  if (found.cluster !== 'ours') say(whatNow(found));
  return found.cluster === 'ours' && found.outOfDate.length === 0 ? EXIT.pass : EXIT.fail;
});

function describe({ name, provider, nodes, images, outOfDate }: LabStatus): string {
  const lines = nodes.flatMap((node) => [
    `${mark(node.ready)} ${node.name}  ${[node.zone, node.version].filter(Boolean).join('  ')}`,
    ...node.pods.map(
      (pod) =>
        `    ${mark(pod.ready)} ${pod.name}${pod.ready ? '' : `  ${pod.phase}`}${pod.restarts > 0 ? `  ${pod.restarts} restarts` : ''}`,
    ),
  ]);
  return [
    `lab ${name} on ${provider}`,
    ...lines,
    ...images.map((image) => `image ${image}`),
    ...outOfDate.map((text) => paintOut('yellow', `out of date: ${text}`)),
  ].join('\n');
}

function mark(ready: boolean): string {
  return ready ? paintOut('green', '●') : paintOut('red', '○');
}

function whatNow({ name, cluster }: LabStatus): string {
  if (cluster === 'foreign') return `There is a cluster "${name}" that this lab did not make.`;
  if (cluster === 'partial')
    return 'A lab:up was interrupted, or the cluster has died; the next one starts over.';
  return `There is no lab "${name}": npm run lab:up makes it.`;
}
