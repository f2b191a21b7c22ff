// npm run bench – the lab's own figures: ratios and counts of one run on the machine at hand.
import { benchClient } from './bench/client.ts';
import { benchEmbedded } from './bench/embedded.ts';
import { benchUp } from './bench/up.ts';
import { main } from './common/cli.ts';
import { EXIT } from './common/errors.ts';
import { integer, labCommand, refuseMisuse } from './common/options.ts';

const command = labCommand('bench', 'Measure the lab itself.')
  .argument(
    '[what]',
    'up: lab:up beside a bare kind create; client: the load generator; embedded: that provider; all where left out',
  )
  .option('--pairs <n>', 'of alternating runs', integer(1, 20), 3)
  .parse();

await main(async (signal) => {
  refuseMisuse(command, 'bench');
  const [what] = command.processedArgs;
  const { pairs } = command.opts();
  const benches = { client: benchClient, embedded: benchEmbedded, up: benchUp };
  if (what !== undefined && !(what in benches))
    command.error(`error: there is no bench "${what}": ${Object.keys(benches).join(', ')}`);
  for (const [name, bench] of Object.entries(benches))
    if (what === undefined || what === name) await bench(pairs, signal);
  return EXIT.pass;
});
