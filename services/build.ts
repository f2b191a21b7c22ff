// Bundles both services for their images: `node services/build.ts <outdir>` writes <outdir>/<service>/main.js, what other
// programs the image has, and, beside them, the .proto files that are read at run time. The same source gives the same bytes.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const services = import.meta.dirname;
const root = dirname(services);
const { resolve: resolveFile } = createRequire(import.meta.url);

/** A package's folder of .proto files, found from its entry file as its own code finds it. */
const protosOf = (name: string, fromEntry: string) =>
  join(dirname(fileURLToPath(import.meta.resolve(name))), fromEntry);

const healthProto = join(protosOf('grpc-health-check', '../../proto'), 'health/v1/health.proto');

/** What a service reads at run time, by its path in the service's proto/. */
const protoFiles: Record<string, Record<string, string>> = {
  'greeter-server': {
    'greet.proto': join(services, 'proto/greet.proto'),
    'channelz.proto': join(protosOf('@grpc/grpc-js', '../../proto'), 'channelz.proto'),
    'health/v1/health.proto': healthProto,
    'grpc/reflection/v1/reflection.proto': join(
      protosOf('@grpc/reflection', '../proto'),
      'grpc/reflection/v1/reflection.proto',
    ),
    'grpc/reflection/v1alpha/reflection.proto': join(
      protosOf('@grpc/reflection', '../proto'),
      'grpc/reflection/v1alpha/reflection.proto',
    ),
  },
  'greeter-client': { 'health/v1/health.proto': healthProto },
};

/** What each image can run: main.js is what its container does. */
const programs: Record<string, readonly string[]> = {
  'greeter-server': ['main', 'health-probe', 'relay', 'dns-relay'],
  'greeter-client': ['main'],
};

// The packages are CommonJS: they call require, and look for ../../proto from their own __dirname. In the bundle that
// has to lead all of them to the one proto/ beside it.
const banner = `import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);
const __dirname = import.meta.dirname + '/build/src';`;

function generateTypes(): void {
  const generated = join(services, 'gen/greet.ts');
  const sources = [join(services, 'proto/greet.proto'), join(root, 'buf.gen.yaml')];
  if (sources.every((source) => modifiedMs(source) <= modifiedMs(generated))) return;
  // Made elsewhere and moved in whole: another build may be reading it.
  const scratch = mkdtempSync(join(tmpdir(), 'greet-types-'));
  try {
    const bin = join(dirname(resolveFile('@bufbuild/buf/package.json')), '../../.bin');
    execFileSync(join(bin, 'buf'), ['generate', '--output', scratch], {
      cwd: root,
      env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    mkdirSync(dirname(generated), { recursive: true });
    const staged = `${generated}.${process.pid}`;
    cpSync(join(scratch, 'services/gen/greet.ts'), staged);
    renameSync(staged, generated);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function modifiedMs(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Number.NEGATIVE_INFINITY;
}

/** Files end up in an image that runs as another user: readable by all, whatever the umask here is. */
function writeShared(file: string, contents: Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, contents);
  chmodSync(file, 0o644);
  chmodSync(dirname(file), 0o755);
}

async function bundle(service: string, protos: Record<string, string>, outdir: string): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: (programs[service] ?? []).map((program) => join(services, service, `${program}.ts`)),
    outdir,
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    banner: { js: banner },
    write: false,
    logLevel: 'error',
  });
  rmSync(outdir, { recursive: true, force: true });
  for (const { path, contents } of outputFiles) writeShared(join(outdir, basename(path)), contents);
  for (const [path, source] of Object.entries(protos)) {
    writeShared(join(outdir, 'proto', path), readFileSync(source));
  }
}

const [outdir, ...rest] = process.argv.slice(2);
if (!outdir || rest.length > 0) {
  process.stderr.write('usage: node services/build.ts <outdir>\n');
  process.exit(2);
}
generateTypes();
await Promise.all(
  Object.entries(protoFiles).map(([service, protos]) =>
    bundle(service, protos, join(resolve(outdir), service)),
  ),
);
