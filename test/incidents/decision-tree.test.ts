import { expect, it } from 'vitest';
import { CAUSES } from '../../scripts/diagnosis/index.ts';
import { causesIn, DECISION_TREE, treeAsMarkdown } from '../../scripts/docs/decision-tree.ts';

it('leads to every cause', () => {
  expect(new Set(causesIn(DECISION_TREE))).toEqual(new Set(CAUSES));
});

it('is a nested list with a link for each', () => {
  const text = treeAsMarkdown(DECISION_TREE);
  expect(text).toContain('- `UNIMPLEMENTED` → [proto-mismatch](proto-mismatch.md)');
  expect(text).toContain('  - yes\n    **Is there a Service');
});
