import { join } from 'node:path';
import { createGuard } from '../../src/analysis/create-guard.ts';
import { rules } from '../../src/rules/index.ts';
import { type Ran, type RunOptions, run } from './run-command.ts';

/** The meshes whose paths Istio's own code has computed: `m02-legA-no-sni.yaml`. */
export const oracleFolder = join(import.meta.dirname, '../oracle/written');

/** Runs a command line with the real engine, among those meshes. */
export function runReal(commandLine: string, options: Omit<RunOptions, 'engine'> = {}): Promise<Ran> {
  return run(commandLine, { cwd: oracleFolder, ...options, engine: { createGuard, rules } });
}
