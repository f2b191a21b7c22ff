// npm run lab:up – creates the lab's cluster, or finishes and mends it.

import {
  DEFAULT_LAB,
  describeProblem,
  kindProvider,
  labNamed,
  readClusterConfig,
  takeLock,
  up,
} from './cluster/index.ts';
import { main, say } from './common/cli.ts';
import { formatDuration } from './common/duration.ts';
import { EXIT } from './common/errors.ts';
import { integer, labCommand, refuseMisuse } from './common/options.ts';
import { paint } from './common/terminal.ts';

const command = labCommand(
  'lab:up',
  'Create a kind cluster, build and load the images, deploy greeter-server and greeter-client.',
)
  .option('--name <name>', 'name of the lab and of its cluster', DEFAULT_LAB)
  .option(
    '--control-planes <n>',
    'control planes, behind a load balancer when there are several',
    integer(1, 9),
  )
  .option(
    '--node-image <image>',
    "image of the nodes; default: LAB_NODE_IMAGE, kind's own, or the newest local one",
  )
  .parse();

await main(async (signal) => {
  refuseMisuse(command, 'lab:up');
  const { name, controlPlanes, nodeImage } = command.opts();
  const lab = labNamed(name);
  const config = await readClusterConfig(lab, controlPlanes);
  const provider = kindProvider(nodeImage ?? process.env.LAB_NODE_IMAGE);
  await using _lock = await takeLock(name, `lab:up (pid ${process.pid})`);
  const began = performance.now();
  await up(lab, { provider, config, onProblem: (problem) => say(describeProblem(problem)) }, signal);
  say(
    `${paint('green', 'Ready')} in ${formatDuration(performance.now() - began)}: all nodes and pods of "${name}".`,
  );
  const shown = name === DEFAULT_LAB ? '.lab/kubeconfig' : `.lab/${name}/kubeconfig`;
  say(`\nLook at it:   kubectl --kubeconfig ${shown} -n grpc-kind-lab get pods -o wide`);
  const named = name === DEFAULT_LAB ? '' : ` -- --name ${name}`;
  say(`Try it:       npm run experiment scale${named}`);
  say(`Remove it:    npm run lab:down${named}`);
  return EXIT.pass;
});
