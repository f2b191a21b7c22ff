// npm run lab:up – creates the lab's cluster, or finishes and mends it.

import {
  chooseProvider,
  DEFAULT_LAB,
  describeProblem,
  labNamed,
  PROVIDERS,
  readClusterConfig,
  takeLock,
  up,
} from './cluster/index.ts';
import { main, say } from './common/cli.ts';
import { formatDuration } from './common/duration.ts';
import { EXIT } from './common/errors.ts';
import { integer, labCommand, providerOption, refuseMisuse } from './common/options.ts';
import { paint } from './common/terminal.ts';

const command = labCommand(
  'lab:up',
  'Create a cluster, build and load the images, deploy greeter-server and greeter-client.',
)
  .option('--name <name>', 'name of the lab and of its cluster', DEFAULT_LAB)
  .option(
    '--control-planes <n>',
    'control planes, behind a load balancer when there are several',
    integer(1, 9),
  )
  .option(
    '--node-image <image>',
    "image of kind's nodes; default: LAB_NODE_IMAGE, kind's own, or the newest local one",
  )
  .addOption(providerOption(PROVIDERS))
  .parse();

await main(async (signal) => {
  refuseMisuse(command, 'lab:up');
  const { name, controlPlanes, nodeImage, provider: asked = 'auto' } = command.opts();
  const lab = labNamed(name);
  const config = await readClusterConfig(lab, controlPlanes);
  await using _lock = await takeLock(name, `lab:up (pid ${process.pid})`);
  const { provider, why } = await chooseProvider(lab, asked, nodeImage ?? process.env.LAB_NODE_IMAGE);
  if (why) say(`Provider: ${why}`);
  const began = performance.now();
  const { withoutEffect } = await up(
    lab,
    { provider, config, onProblem: (problem) => say(describeProblem(problem)) },
    signal,
  );
  say(
    `${paint('green', 'Ready')} in ${formatDuration(performance.now() - began)}: all nodes and pods of "${name}".`,
  );
  if (withoutEffect.length > 0)
    say(
      `Accepted without effect on ${provider.name}:\n${withoutEffect.map((field) => `  ${field}`).join('\n')}`,
    );
  const shown = name === DEFAULT_LAB ? '.lab/kubeconfig' : `.lab/${name}/kubeconfig`;
  say(`\nLook at it:   kubectl --kubeconfig ${shown} -n grpc-kind-lab get pods -o wide`);
  const named = name === DEFAULT_LAB ? '' : ` -- --name ${name}`;
  say(`Try it:       npm run experiment scale${named}`);
  say(`Remove it:    npm run lab:down${named}`);
  return EXIT.pass;
});
