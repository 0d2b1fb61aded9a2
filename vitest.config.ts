import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    testTimeout: 30_000, // what takes a second alone takes many times as long on a machine with other work
    include: ['test/**/*.test.ts'],
    exclude: ['test/e2e/**'],
    maxWorkers: '100%', // also the core that is usually left free: most machines that run this have two
    reporters: ['default', './test/totals-reporter.ts'],
  },
});
