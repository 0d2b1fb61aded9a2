import { findingsAbout } from '../analysis/findings-about.ts';
import { InputError } from '../input-error.ts';
import { closestName } from '../istio/closest-name.ts';
import { explainJson, unevaluatedJson } from '../report/json.ts';
import { textExplain, textUnevaluated } from '../report/text-explain.ts';
import { jsonRule, textRule } from '../report/text-rules.ts';
import type { CommandContext } from './command-context.ts';
import { loadMesh, noteUnknownClients } from './load-mesh.ts';
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
  if (from !== undefined) throw new InputError('a path needs --to besides --from; add --to http://HOST');
  if (to !== undefined) throw new InputError('a path needs --from besides --to; add --from NAMESPACE');
  const [name, ...rest] = names;
  if (name === undefined || rest.length > 0) {
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
  await noteUnknownClients(input, [namespace], context);
  const question = { from: { namespace, serviceAccount }, to, ...labels };
  const { stdout, env } = context.terminal;
  const ambient = guard.whyUnevaluated(question);
  if (ambient !== undefined) {
    const told =
      flags.output === 'json'
        ? `${JSON.stringify({ notEvaluated: unevaluatedJson(ambient) }, undefined, 2)}\n`
        : textUnevaluated(ambient, lookOf(stdout, env));
    await stdout.write(told);
    return 0;
  }
  const path = guard.trace(question);
  const { locate } = input.origins;
  const findings = findingsAbout(path, guard.check(), (ref) => guard.find(ref));
  await stdout.write(
    flags.output === 'json'
      ? explainJson(path, findings, locate)
      : textExplain(path, { ...lookOf(stdout, env), locate, findings }),
  );
  return 0;
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
