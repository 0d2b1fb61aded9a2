import type { TestProject } from 'vitest/node';
import { provideTools, type Tools } from './tools/provide.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Programs that the tests run: `inject('tools')`. */
    tools: Tools;
  }
}

/** Brings the tools before any test has a clock running. */
export async function setup(project: TestProject): Promise<void> {
  project.provide('tools', await provideTools((line) => console.log(line)));
}
