import { defineConfig } from 'vitest/config';

// `unit` needs nothing but Node; `kind` needs a Docker engine and kind, and is run one file after another.
export default defineConfig({
  test: {
    // Most tests wait for processes: more files at a time than cores.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/kind/**'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'kind',
          include: ['test/kind/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000,
          sequence: { concurrent: false },
        },
      },
    ],
  },
});
