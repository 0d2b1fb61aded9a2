import type { Finding } from '../analysis/finding.ts';
import { messageOf } from '../analysis/findings.ts';
import type { Guard } from '../analysis/guard.ts';
import { InputError } from '../input-error.ts';
import { idOf, refOf } from '../istio/resources.ts';
import type { CheckReport } from '../report/check-report.ts';
import { githubCheck } from '../report/github.ts';
import { decisionsJson, type JudgedChange } from '../report/json.ts';
import { junitCheck } from '../report/junit.ts';
import { sarifCheck } from '../report/sarif.ts';
import { textDecisions } from '../report/text-decision.ts';
import { schema } from '../rules/schema.ts';
import type { Settings } from '../settings/settings.ts';
import { diffResources, type ResourceChange } from '../sources/diff-resources.ts';
import type { Input } from '../sources/read-input.ts';
import type { CheckFlags } from './check.ts';
import type { CommandContext } from './command-context.ts';
import { loadMesh, readInput } from './load-mesh.ts';
import { lookOf, writeNotes } from './terminal.ts';

/**
 * `check --against`: makes the old state into the new one, change by change, as if each were an admission request; a change that is
 * denied is not kept. Returns 1 if one is denied.
 */
export async function checkAgainst(
  paths: readonly string[],
  flags: CheckFlags,
  settings: Settings,
  context: CommandContext,
): Promise<number> {
  if (flags.each) throw new InputError('--each and --against exclude each other; drop one of them');
  const old = await loadMesh(flags.against, settings, context);
  const input = await readInput(paths, context);
  await writeNotes(context.terminal, input.notes);
  const judged = diffResources(old.input.resources, input.resources).map((change) => judge(change, old.guard));
  const misspelt = schemaWarnings(judged, old.guard.check({ departures: input.departures }));
  const changes = judged.map((change) => withWarnings(change, misspelt));
  await context.terminal.stdout.write(render(changes, misspelt, input, flags, context));
  return changes.some(({ decision }) => !decision.allowed) ? 1 : 0;
}

function judge(change: ResourceChange, guard: Guard): JudgedChange {
  const decision = guard.decide(change);
  if (decision.allowed) guard.apply([change]);
  const resource = refOf(change.operation === 'DELETE' ? change.oldObject : change.object);
  return { operation: change.operation, resource, decision };
}

/**
 * The departures from schemas that come with a change. They only warn: the API server drops or refuses them, and no decision is about them.
 */
function schemaWarnings(changes: readonly JudgedChange[], findings: readonly Finding[]): readonly Finding[] {
  const changed = new Set(changes.map(({ resource }) => idOf(resource)));
  return findings
    .filter(({ rule, resource, exemption }) => rule === schema.name && !exemption && changed.has(idOf(resource)))
    .map((finding) => ({ ...finding, severity: 'warning' as const }));
}

function withWarnings(change: JudgedChange, findings: readonly Finding[]): JudgedChange {
  const own = findings.filter(({ resource }) => idOf(resource) === idOf(change.resource)).map(messageOf);
  if (own.length === 0) return change;
  return { ...change, decision: { ...change.decision, warnings: [...change.decision.warnings, ...own] } };
}

function render(
  changes: readonly JudgedChange[],
  warnings: readonly Finding[],
  input: Input,
  flags: CheckFlags,
  context: CommandContext,
): string {
  const { terminal, engine } = context;
  const reports = [reportOf(changes, warnings, input)];
  switch (flags.output) {
    case 'text':
      return textDecisions(changes, lookOf(terminal.stdout, terminal.env));
    case 'json':
      return decisionsJson(changes, input.origins.locate);
    case 'sarif':
      return sarifCheck(reports, engine);
    case 'junit':
      return junitCheck(reports);
    case 'github':
      return githubCheck(reports);
  }
}

/** The denials as findings, and warnings; a transition is a finding of its name at the field that decides it. */
function reportOf(changes: readonly JudgedChange[], warnings: readonly Finding[], input: Input): CheckReport {
  const { locate, readLine } = input.origins;
  const denials = changes.flatMap(({ resource, decision }) =>
    decision.denials.map(
      ({ finding, reason, message, field, transition }) =>
        finding ?? {
          rule: reason,
          severity: 'error' as const,
          incomplete: false,
          resource,
          key: message,
          field,
          message: transition?.reason ?? message,
          fix: transition?.wayOut ?? 'take the change back',
          related: transition ? [transition.at] : [],
          paths: transition ? [{ from: transition.from, to: transition.to, outcome: transition.after }] : [],
        },
    ),
  );
  return { findings: [...denials, ...warnings], resources: input.resources.length, locate, readLine };
}
