// What grpc-kit takes for granted of grpc-js, in its experimental namespace and beside it. When one of these fails
// after an update of grpc-js, the range in grpc-kit's peerDependencies is wrong.
import { glob, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { experimental, Metadata } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import * as used from '../../../services/grpc-kit/src/grpc-experimental.ts';

const require = createRequire(import.meta.url);

test('the version is in the range that grpc-kit asks for', () => {
  const { version } = require('@grpc/grpc-js/package.json') as { version: string };
  const kit = require('../../../services/grpc-kit/package.json') as {
    peerDependencies: Record<string, string>;
  };
  expect(kit.peerDependencies['@grpc/grpc-js']).toBe('>=1.14.0 <1.15.0');
  expect(version).toMatch(/^1\.14\./);
});

test('everything that is used is there', () => {
  for (const [name, value] of Object.entries(used)) expect(value, name).toBeDefined();
});

test('no other file uses the experimental namespace', async () => {
  const src = join(import.meta.dirname, '../../../services');
  const users: string[] = [];
  for await (const file of glob('**/*.ts', { cwd: src, exclude: (name) => name === 'dist' })) {
    const text = await readFile(join(src, file), 'utf8');
    if (/\bexperimental\b[^;]*from '@grpc\/grpc-js'|grpc\.experimental\b/.test(text)) users.push(file);
  }
  expect(users).toEqual(['grpc-kit/src/grpc-experimental.ts']);
});

test('options under the prefix are not part of a subchannel’s identity', () => {
  expect(used.LOCALITIES.startsWith(experimental.SUBCHANNEL_ARGS_EXCLUDE_KEY_PREFIX)).toBe(true);
  expect(used.CHANNEL_CONTEXT.startsWith(experimental.SUBCHANNEL_ARGS_EXCLUDE_KEY_PREFIX)).toBe(true);
});

test('copies of metadata share one options object', () => {
  const metadata = new Metadata();
  const options = {};
  metadata.setOptions(options);
  expect(metadata.clone().getOptions()).toBe(options);
  expect(metadata.clone().clone().getOptions()).toBe(options);
});
