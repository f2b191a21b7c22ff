import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Those on kind by name: the first two want no lab at first, the others go on with the one that the second leaves. */
class KindByName extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isOnKind = ({ project }: TestSpecification) => project.name === 'kind';
    const onKind = files.filter(isOnKind).sort((a, b) => a.moduleId.localeCompare(b.moduleId));
    return [...(await super.sort(files.filter((file) => !isOnKind(file)))), ...onKind];
  }
}

// `unit` and `embedded` need nothing but Node (and kubectl, for its verbs); `kind` needs a Docker engine and kind.
// On kind one file runs after another, on one machine with one cluster.
export default defineConfig({
  test: {
    // Most tests wait for processes: more files at a time than cores.
    maxWorkers: 3,
    sequence: { sequencer: KindByName },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/kind/**', 'test/embedded/**'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'embedded-contract',
          include: ['test/embedded/contract.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 60_000,
          // Its cases mostly wait.
          maxConcurrency: 16,
          maxWorkers: 1,
          sequence: { concurrent: false, groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'embedded',
          include: ['test/embedded/**/*.test.ts'],
          exclude: ['test/embedded/contract.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 60_000,
          // Each file has a lab of its own, and an experiment takes less than a core. With a third, shares are uneven on
          // two cores, and verdicts `unknown`.
          maxWorkers: 2,
          sequence: { concurrent: false, groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'kind',
          include: ['test/kind/**/*.test.ts'],
          fileParallelism: false,
          // Of the contract's cases: each starts pods, and a pod's start takes a second of CPU here.
          maxConcurrency: 3,
          testTimeout: 600_000,
          hookTimeout: 600_000,
          sequence: { concurrent: false },
        },
      },
    ],
  },
});
