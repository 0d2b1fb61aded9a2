import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/** A vitest reporter whose only output is the last line of the run: `N passed, N failed`. A file that cannot be loaded counts as one failure. */
export default class TotalsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const states = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state));
    const passed = states.filter((state) => state === 'passed').length;
    const failedTests = states.filter((state) => state === 'failed').length;
    const brokenModules = modules.filter((module) => module.errors().length > 0).length;
    process.stdout.write(`\n${passed} passed, ${failedTests + brokenModules + unhandledErrors.length} failed\n`);
  }
}
