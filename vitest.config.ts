import { defineConfig } from 'vitest/config';

/** A whole system under faults, whose supervisor and deadlines want the machine for themselves: after all others. */
const ALONE = 'test/fault.test.ts';

export default defineConfig({
  test: {
    // So much time that a slow and busy machine changes nothing; a test that waits for a condition goes on at once.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000, interval: 20 } },
    // Most tests wait more than they compute: two files at a time even on two processors.
    maxWorkers: 2,
    setupFiles: ['test/lib/umask.ts'],
    projects: [
      { extends: true, test: { name: 'unit', include: ['packages/**/src/**/*.test.ts'] } },
      { extends: true, test: { name: 'layering', include: ['test/layering.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/**/*.test.ts'],
          // node_modules holds links to packages, whose tests are the unit tests.
          exclude: ['test/layering.test.ts', ALONE, '**/node_modules/**'],
          globalSetup: ['test/global-setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: [ALONE],
          globalSetup: ['test/global-setup.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
