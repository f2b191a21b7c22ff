// npm run bench – the lab's own figures: ratios and counts of one run on the machine at hand.
import { benchAdditions } from './bench/additions.ts';
import { benchClient } from './bench/client.ts';
import { benchDiagnose } from './bench/diagnose/index.ts';
import { benchEmbedded } from './bench/embedded.ts';
import { benchKit } from './bench/kit.ts';
import { benchPrediction } from './bench/prediction.ts';
import { benchReport } from './bench/report.ts';
import { benchRollout } from './bench/rollout.ts';
import { benchUp } from './bench/up.ts';
import { benchWatchers } from './bench/watchers.ts';
import { PROVIDERS, type ProviderChoice } from './cluster/index.ts';
import { main } from './common/cli.ts';
import { EXIT } from './common/errors.ts';
import { integer, labCommand, providerOption, refuseMisuse } from './common/options.ts';

type Bench = {
  run: (times: number, signal: AbortSignal, provider: ProviderChoice) => Promise<void>;
  about: string;
};

const benches: Record<string, Bench> = {
  client: { run: benchClient, about: 'the load generator' },
  kit: { run: benchKit, about: 'grpc-kit beside bare grpc-js' },
  embedded: { run: benchEmbedded, about: 'the embedded provider' },
  report: { run: benchReport, about: 'the page of a long run' },
  up: { run: benchUp, about: 'lab:up beside a bare kind create' },
  additions: { run: benchAdditions, about: 'how soon a watching client finds a new pod, on a cluster' },
  rollout: { run: benchRollout, about: 'rolling restarts under load, on a cluster' },
  prediction: { run: benchPrediction, about: 'scale-outs, predicted and measured, on a cluster' },
  diagnose: { run: benchDiagnose, about: 'how often a cause is named right, on a cluster' },
  watchers: { run: benchWatchers, about: "what watching clients cost kind's API server" },
};

const list = Object.entries(benches).map(([name, { about }]) => `  ${name.padEnd(10)} ${about}`);
const command = labCommand('bench', 'Measure the lab itself.')
  .argument('[what]', 'one of those below; all where left out')
  .addOption(providerOption(PROVIDERS))
  .option('--times <n>', 'pairs, rounds, additions or restarts', integer(1, 200), 3)
  .addHelpText('after', `\nBenches:\n${list.join('\n')}`)
  .parse();

await main(async (signal) => {
  refuseMisuse(command, 'bench');
  const [what] = command.processedArgs;
  const { times, provider = 'auto' } = command.opts();
  if (what !== undefined && !(what in benches))
    command.error(`error: there is no bench "${what}": ${Object.keys(benches).join(', ')}`);
  for (const [name, { run }] of Object.entries(benches))
    if (what === undefined || what === name) await run(times, signal, provider);
  return EXIT.pass;
});
