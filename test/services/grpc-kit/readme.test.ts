// The README's tables of options name every option that there is, and no other.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const kit = join(import.meta.dirname, '../../../services/grpc-kit');
const readme = await readFile(join(kit, 'README.md'), 'utf8');

/** The names in the first column of the table under this heading. */
function listed(heading: string): string[] {
  const section = readme.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows.flatMap((row) =>
    [...(row.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ''),
  );
}

/** Members of these types, and not those of objects in them. */
async function members(file: string, ...types: string[]): Promise<string[]> {
  const source = await readFile(join(kit, 'src', file), 'utf8');
  return types.flatMap((type) => {
    const body =
      source.split(/^(?:export )?(?:type|const|function) /m).find((text) => text.startsWith(`${type} =`)) ??
      '';
    const [indent = ''] = /^ +(?=\w+\??:)/m.exec(body) ?? [];
    return [...body.matchAll(new RegExp(`^${indent}(\\w+)\\??:`, 'gm'))].map(([, name]) => name ?? '');
  });
}

test('of a client', async () => {
  const options = await members('client/options.ts', 'ClientOptions');
  const retry = await members('client/options.ts', 'RetryOptions');
  const hedging = await members('client/options.ts', 'HedgingOptions');
  const keepalive = ['timeMs', 'timeoutMs', 'withoutCalls'];
  expect(listed('Options of a client').sort()).toEqual(
    [
      ...options.filter((name) => name !== 'keepalive'),
      ...retry.map((name) => `retry.${name}`),
      ...hedging.map((name) => `hedging.${name}`),
      ...keepalive.map((name) => `keepalive.${name}`),
    ].sort(),
  );
});

test('of a server', async () => {
  const options = [
    ...(await members('server/options.ts', 'ConnectionOptions', 'ServeOptions')),
    ...(await members('server/drain.ts', 'DrainOptions')),
  ];
  expect(options.length).toBeGreaterThan(20);
  expect(listed('Serving').sort()).toEqual(options.sort());
});
