// npm run docs – writes docs/experiments/ and docs/incidents/ from what is defined in code and was run here.
import { main } from './common/cli.ts';
import { EXIT } from './common/errors.ts';
import { labCommand, refuseMisuse } from './common/options.ts';
import { writeExperiments } from './docs/experiments.ts';
import { writeIncidents } from './docs/incidents.ts';

const command = labCommand(
  'docs',
  'Write docs/experiments/ and docs/incidents/: a page for each experiment, with what its\nnewest passing run on kind showed, and a page for each incident.',
).parse();

await main(async () => {
  refuseMisuse(command, 'docs');
  await writeExperiments();
  await writeIncidents();
  return EXIT.pass;
});
