import { defineConfig } from 'vitest/config';

/** `npm run test:e2e`: tests with a real API server, and with Helm. The first run builds both, which takes minutes. */
export default defineConfig({
  test: {
    include: ['test/e2e/**/*.test.ts'],
    globalSetup: ['test/e2e/global-setup.ts'],
    fileParallelism: false, // a control plane wants the cores of a small machine for itself
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ['default', './test/totals-reporter.ts'],
  },
});
