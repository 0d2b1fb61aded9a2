import { findingNotice } from '../analysis/decide.ts';
import type { Notice } from '../analysis/decision.ts';
import type { Finding } from '../analysis/finding.ts';
import type { Guard } from '../analysis/guard.ts';
import { InputError } from '../input-error.ts';
import { idOf, type ResourceRef, refOf } from '../istio/resources.ts';
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
  const changes = withSchemaWarnings(judged, old.guard.check({ departures: input.departures }));
  await context.terminal.stdout.write(render(changes, input, flags, context));
  return changes.some(({ decision }) => !decision.allowed) ? 1 : 0;
}

function judge(change: ResourceChange, guard: Guard): JudgedChange {
  const decision = guard.decide(change);
  if (decision.allowed) guard.apply([change]);
  const resource = refOf(change.operation === 'DELETE' ? change.oldObject : change.object);
  return { operation: change.operation, resource, decision };
}

/**
 * Adds the departures from schemas that come with a change. They only warn: the API server drops or refuses them, and no decision is
 * about them.
 */
function withSchemaWarnings(changes: readonly JudgedChange[], findings: readonly Finding[]): readonly JudgedChange[] {
  const misspelt = Map.groupBy(
    findings.filter(({ rule, exemption }) => rule === schema.name && !exemption),
    ({ resource }) => idOf(resource),
  );
  return changes.map((change): JudgedChange => {
    const own = (misspelt.get(idOf(change.resource)) ?? []).map(findingNotice);
    return { ...change, decision: { ...change.decision, warnings: [...change.decision.warnings, ...own] } };
  });
}

function render(changes: readonly JudgedChange[], input: Input, flags: CheckFlags, context: CommandContext): string {
  const { terminal, engine } = context;
  const reports = [reportOf(changes, input)];
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

/** What is told of the changes as findings: what refuses one as an error, what it is only told of as a warning. */
function reportOf(changes: readonly JudgedChange[], input: Input): CheckReport {
  const { locate, readLine } = input.origins;
  const findings = changes.flatMap(({ resource, decision }) => [
    ...decision.denials.map((notice) => toFinding(notice, resource, 'error')),
    ...decision.warnings.map((notice) => toFinding(notice, resource, 'warning')),
  ]);
  return { findings, resources: input.resources.length, locate, readLine };
}

/** A transition is a finding of its name, at the field that decides it. */
function toFinding(notice: Notice, changed: ResourceRef, severity: Finding['severity']): Finding {
  const { finding, transition, reason, message, field } = notice;
  if (finding !== undefined) return { ...finding, severity };
  const isStory = transition?.wayOut !== undefined;
  return {
    rule: reason,
    severity,
    incomplete: false,
    resource: changed,
    key: message,
    field,
    message: isStory ? transition.reason : message,
    fix: transition?.wayOut ?? 'take the change back unless that is meant',
    related: transition ? [transition.at] : [],
    paths: transition?.from.map((from) => ({ from, to: transition.to, outcome: transition.after })) ?? [],
  };
}
