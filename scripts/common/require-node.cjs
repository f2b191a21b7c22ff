// Preloaded before any TypeScript: an older Node would fail with a syntax error that says nothing.
const [major] = process.versions.node.split('.').map(Number);
if (major < 24) {
  console.error(
    `grpc-kind-lab needs Node 24 or later; this is ${process.version}. ` +
      'On Linux `npm ci` installs one for `npm run`; elsewhere install it from nodejs.org.',
  );
  process.exit(2);
}

// What was compiled once is not compiled again by the next command.
const { join } = require('node:path');
require('node:module').enableCompileCache(join(__dirname, '../../node_modules/.cache/grpc-kind-lab'));
