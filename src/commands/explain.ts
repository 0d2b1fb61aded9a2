import type { AffectedPath, Finding } from '../analysis/finding.ts';
import type { Path } from '../egress/path.ts';
import { InputError } from '../input-error.ts';
import { closestName } from '../istio/closest-name.ts';
import { pathJson } from '../report/json.ts';
import { textExplain } from '../report/text-explain.ts';
import { jsonRule, textRule } from '../report/text-rules.ts';
import type { CommandContext } from './command-context.ts';
import { loadMesh } from './load-mesh.ts';
import { loadSettings } from './load-settings.ts';
import { parseClient, parseLabels, parseTarget } from './parse-question.ts';
import { styleOf } from './terminal.ts';

/** Flags of `explain`. */
export interface ExplainFlags {
  readonly output: 'text' | 'json';
  readonly from?: string;
  readonly to?: string;
  readonly labels?: string;
  readonly settings?: string;
}

/** `explain`: the story of one path where `--from` and `--to` are given, otherwise what a rule demands. Returns 0. */
export async function explain(names: readonly string[], flags: ExplainFlags, context: CommandContext): Promise<number> {
  const { from, to } = flags;
  if (from !== undefined && to !== undefined) return explainPath(names, { ...flags, from, to }, context);
  const [name, ...rest] = names;
  if (from !== undefined || to !== undefined || name === undefined || rest.length > 0) {
    throw new InputError('explain is about a path or a rule; give files with --from and --to, or the name of one rule');
  }
  return explainRule(name, flags, context);
}

async function explainPath(
  files: readonly string[],
  flags: ExplainFlags & { readonly from: string; readonly to: string },
  context: CommandContext,
): Promise<number> {
  const { namespace, serviceAccount = 'default' } = parseClient(flags.from);
  const to = parseTarget(flags.to);
  const labels = flags.labels === undefined ? {} : { labels: parseLabels(flags.labels) };
  const { input, guard } = await loadMesh(files, loadSettings(flags.settings, context), context);
  const path = guard.trace({ from: { namespace, serviceAccount }, to, ...labels });
  const { stdout, env } = context.terminal;
  if (flags.output === 'json') {
    await stdout.write(`${JSON.stringify(pathJson(path), undefined, 2)}\n`);
    return 0;
  }
  const findings = guard.check().filter((finding) => affects(finding, path));
  await stdout.write(textExplain(path, { style: styleOf(stdout, env), locate: input.origins.locate, findings }));
  return 0;
}

function affects(finding: Finding, path: Path): boolean {
  return finding.paths.some((affected) => isSamePath(affected, path));
}

function isSamePath({ from, to }: AffectedPath, path: Path): boolean {
  return (
    from.namespace === path.from.namespace &&
    from.serviceAccount === path.from.serviceAccount &&
    to.protocol === path.to.protocol &&
    to.host === path.to.host &&
    to.port === path.to.port
  );
}

async function explainRule(name: string, flags: ExplainFlags, { terminal, engine }: CommandContext): Promise<number> {
  const rule = engine.rules.find((candidate) => candidate.name === name);
  if (!rule) {
    const meant = closestName(
      name,
      engine.rules.map((candidate) => candidate.name),
    );
    const help =
      meant === undefined
        ? '`egress-guard rules` lists them; a path needs --from and --to'
        : `did you mean '${meant}'?`;
    throw new InputError(`there is no rule '${name}'; ${help}`);
  }
  await terminal.stdout.write(
    flags.output === 'json' ? jsonRule(rule) : textRule(rule, styleOf(terminal.stdout, terminal.env)),
  );
  return 0;
}
