import type { Finding } from '../analysis/finding.ts';
import type { Path, Target } from '../egress/path.ts';
import { InputError } from '../input-error.ts';
import { closestName } from '../istio/closest-name.ts';
import { pathJson } from '../report/json.ts';
import { textExplain } from '../report/text-explain.ts';
import { jsonRule, textRule } from '../report/text-rules.ts';
import type { CommandContext } from './command-context.ts';
import { loadMesh } from './load-mesh.ts';
import { loadSettings } from './load-settings.ts';
import { parseClient, parseLabels, parseTarget } from './parse-question.ts';
import { lookOf } from './terminal.ts';

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
  await stdout.write(textExplain(path, { ...lookOf(stdout, env), locate: input.origins.locate, findings }));
  return 0;
}

/** True when the finding speaks of the client's account, or of those that stand for accounts that no policy names. */
function affects(finding: Finding, { from, to, outcome }: Path): boolean {
  const ofNamespace = finding.paths.filter(
    (affected) => affected.from.namespace === from.namespace && isSameTarget(affected.to, to),
  );
  const exact = ofNamespace.find((affected) => affected.from.serviceAccount === from.serviceAccount);
  return exact !== undefined || ofNamespace.some((affected) => affected.outcome === outcome);
}

function isSameTarget(a: Target, b: Target): boolean {
  return a.protocol === b.protocol && a.host === b.host && a.port === b.port;
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
    flags.output === 'json' ? jsonRule(rule) : textRule(rule, lookOf(terminal.stdout, terminal.env)),
  );
  return 0;
}
