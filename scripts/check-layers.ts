// Part of npm run check: the layer rules of .dependency-cruiser.cjs, and proof that they saw every file. (With a
// TypeScript that it does not know, dependency-cruiser sees no module and is content.)
import { glob } from 'node:fs/promises';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import extractConfig from 'dependency-cruiser/config-utl/extract-depcruise-config';
import extractTsConfig from 'dependency-cruiser/config-utl/extract-ts-config';

const folders = ['scripts', 'services'];
const config = await extractConfig('./.dependency-cruiser.cjs');
const { output } = await cruise(folders, { ruleSet: config, ...config.options, validate: true }, undefined, {
  tsConfig: extractTsConfig('tsconfig.json'),
});
const { modules, summary } = output as ICruiseResult;

const seen = new Set(modules.map(({ source }) => source));
const files = (await Array.fromAsync(glob(folders.map((folder) => `${folder}/**/*.ts`)))).filter(
  (file) => !/^services\/(gen|grpc-kit\/dist)\//.test(file),
);
const unseen = files.filter((file) => !seen.has(file));
const imports = modules.reduce((sum, { dependencies }) => sum + dependencies.length, 0);

for (const { rule, from, to } of summary.violations) console.error(`${rule.name}: ${from} → ${to}`);
for (const file of unseen) console.error(`not seen by dependency-cruiser: ${file}`);
if (imports < files.length)
  console.error(`${files.length} files with ${imports} imports: they were not parsed`);
const failed = summary.violations.length > 0 || unseen.length > 0 || imports < files.length;
if (!failed) console.log(`layers: ${files.length} files, ${imports} imports, no violation`);
process.exit(failed ? 1 : 0);
