import { settingsRef } from '../analysis/input-findings.ts';
import type { CheckReport } from '../report/check-report.ts';
import { githubCheck } from '../report/github.ts';
import { jsonCheck } from '../report/json.ts';
import { junitCheck } from '../report/junit.ts';
import { sarifCheck } from '../report/sarif.ts';
import { summarize } from '../report/summary.ts';
import { textCheck } from '../report/text-check.ts';
import type { Settings } from '../settings/settings.ts';
import { findFiles } from '../sources/find-files.ts';
import { checkAgainst } from './check-against.ts';
import type { CommandContext } from './command-context.ts';
import { loadMesh } from './load-mesh.ts';
import { loadSettings } from './load-settings.ts';
import { lookOf } from './terminal.ts';

/** How `check` prints its findings. */
type CheckFormat = 'text' | 'json' | 'sarif' | 'junit' | 'github';

/** Flags of `check`. */
export interface CheckFlags {
  readonly output: CheckFormat;
  /** The state before; empty: all resources are judged as they are. */
  readonly against: readonly string[];
  /** Further resources exist elsewhere. */
  readonly partial: boolean;
  /** Every file is a state of its own. */
  readonly each: boolean;
  readonly settings?: string;
}

/** `check`: what is wrong with resources. Returns 1 if something of severity error is. */
export async function check(paths: readonly string[], flags: CheckFlags, context: CommandContext): Promise<number> {
  const settings = loadSettings(flags.settings, context);
  if (flags.against.length > 0) return checkAgainst(paths, flags, settings, context);
  const states = flags.each ? findFiles(paths, context.terminal.cwd).map((file) => [file]) : [paths];
  const reports: CheckReport[] = [];
  for (const state of states) {
    const report = await checkState(state, flags, settings, context);
    reports.push(flags.each ? { ...report, title: state.join(' ') } : report);
  }
  await print(reports, flags.output, context);
  return reports.some(({ findings }) => summarize(findings).errors > 0) ? 1 : 0;
}

async function checkState(
  paths: readonly string[],
  { partial, each }: CheckFlags,
  settings: Settings,
  context: CommandContext,
): Promise<CheckReport> {
  const { input, guard } = await loadMesh(paths, settings, context, each ? paths.join(' ') : undefined);
  const findings = guard.check({ departures: input.departures, isPartial: partial, isFull: !partial && !each });
  const { source } = settings;
  const origins = source ? input.origins.withFile(settingsRef(settings), source.file, source.text) : input.origins;
  return { findings, resources: input.resources.length, locate: origins.locate, readLine: origins.readLine };
}

async function print(reports: readonly CheckReport[], format: CheckFormat, context: CommandContext): Promise<void> {
  const { stdout, env } = context.terminal;
  if (format !== 'text') {
    await stdout.write(render(reports, format, context));
    return;
  }
  const look = lookOf(stdout, env);
  for (const [index, report] of reports.entries())
    await stdout.write(`${index > 0 ? '\n' : ''}${textCheck(report, look)}`);
}

function render(
  reports: readonly CheckReport[],
  format: Exclude<CheckFormat, 'text'>,
  { engine }: CommandContext,
): string {
  switch (format) {
    case 'json':
      return jsonCheck(reports);
    case 'sarif':
      return sarifCheck(reports, engine);
    case 'junit':
      return junitCheck(reports);
    case 'github':
      return githubCheck(reports);
  }
}
