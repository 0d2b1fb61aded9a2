import { selectPaths } from '../analysis/select-paths.ts';
import { pathsCsv } from '../report/csv.ts';
import { pathsJson } from '../report/json.ts';
import { textAccess } from '../report/text-access.ts';
import type { CommandContext } from './command-context.ts';
import { loadMesh, noteUnknownClients } from './load-mesh.ts';
import { loadSettings } from './load-settings.ts';
import { parseClient, parseLabels, parseTarget } from './parse-question.ts';
import { lookOf, writeAll } from './terminal.ts';

/** Flags of `access`. */
export interface AccessFlags {
  readonly output: 'text' | 'json' | 'csv';
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly labels?: string;
  readonly settings?: string;
}

/** `access`: who reaches which external host. Returns 0. */
export async function access(paths: readonly string[], flags: AccessFlags, context: CommandContext): Promise<number> {
  const filter = {
    from: flags.from.map(parseClient),
    to: flags.to.map(parseTarget),
    ...(flags.labels !== undefined && { labels: parseLabels(flags.labels) }),
  };
  const { input, guard } = await loadMesh(paths, loadSettings(flags.settings, context), context);
  await noteUnknownClients(
    input,
    filter.from.map(({ namespace }) => namespace),
    context,
  );
  const selected = selectPaths(guard, filter);
  const { stdout, env } = context.terminal;
  switch (flags.output) {
    case 'text':
      await stdout.write(textAccess(selected, lookOf(stdout, env)));
      return 0;
    case 'json':
      await writeAll(stdout, pathsJson(selected));
      return 0;
    case 'csv':
      await writeAll(stdout, pathsCsv(selected));
      return 0;
  }
}
