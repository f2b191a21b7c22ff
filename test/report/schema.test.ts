import { expect, it } from 'vitest';
import { z } from 'zod';
import { RunDocument } from '../../scripts/report/index.ts';

it('docs/run.schema.json is the schema of run.json; `vitest -u` writes it', async () => {
  const schema = `${JSON.stringify(z.toJSONSchema(RunDocument), null, 2)}\n`;
  await expect(schema).toMatchFileSnapshot('../../docs/run.schema.json');
});
