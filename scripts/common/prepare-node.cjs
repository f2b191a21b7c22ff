// Preloaded before any TypeScript, by every command.

// An older Node would fail with a syntax error that says nothing.
const [major] = process.versions.node.split('.').map(Number);
if (major < 24) {
  console.error(
    `grpc-kind-lab needs Node 24 or later; this is ${process.version}. ` +
      'On Linux `npm ci` installs one for `npm run`; elsewhere install it from nodejs.org.',
  );
  process.exit(2);
}

// process.exit() waits for V8's compiling threads. One that asks for a garbage collection just then waits for
// the main thread in turn, for ever, deaf to Ctrl-C: one exit in some 150 under load, with Node 24.21.
// These two are where it was seen. https://github.com/nodejs/node/issues/54918
const { setFlagsFromString } = require('node:v8');
setFlagsFromString('--no-concurrent-sparkplug');
setFlagsFromString('--no-maglev');

// What was compiled once is not compiled again by the next command.
const { join } = require('node:path');
require('node:module').enableCompileCache(join(__dirname, '../../node_modules/.cache/grpc-kind-lab'));
