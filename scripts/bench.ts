// npm run bench – the lab's own figures: ratios and counts of one run on the machine at hand.
import { benchClient } from './bench/client.ts';
import { benchUp } from './bench/up.ts';
import { main } from './common/cli.ts';
import { EXIT } from './common/errors.ts';
import { integer, labCommand, refuseMisuse } from './common/options.ts';

const command = labCommand('bench', 'Measure the lab itself.')
  .argument('[what]', 'up: lab:up beside a bare kind create; client: the load generator; both where left out')
  .option('--pairs <n>', 'of alternating runs', integer(1, 20), 3)
  .parse();

await main(async (signal) => {
  refuseMisuse(command, 'bench');
  const [what] = command.processedArgs;
  const { pairs } = command.opts();
  if (what !== undefined && what !== 'up' && what !== 'client')
    command.error(`error: there is no bench "${what}": up, client`);
  if (what !== 'up') await benchClient(pairs, signal);
  if (what !== 'client') await benchUp(pairs, signal);
  return EXIT.pass;
});
