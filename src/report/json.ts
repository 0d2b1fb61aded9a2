import type { Decision } from '../analysis/decision.ts';
import type { AffectedPath, Finding } from '../analysis/finding.ts';
import { type Answer, isPath, type Unevaluated } from '../egress/ambient.ts';
import type { Authorization, Hop, Path, ServerMatch, Upstream } from '../egress/path.ts';
import { type FieldRef, type ResourceRef, writtenRef } from '../istio/resources.ts';
import { allFindings, type CheckReport } from './check-report.ts';
import type { Locate } from './origin.ts';
import { summarize } from './summary.ts';

/** The public JSON form of a path, in `access -o json` and `explain -o json`. Fields of stages that were not reached are absent. */
export function pathJson(path: Path): object {
  return {
    from: { namespace: path.from.namespace, serviceAccount: path.from.serviceAccount },
    to: { protocol: path.to.protocol, host: path.to.host, port: path.to.port },
    outcome: path.outcome,
    stage: path.stage,
    reason: path.reason,
    ...(path.hop && { hop: hopJson(path.hop) }),
    ...(path.server && { server: serverJson(path.server) }),
    ...(path.upstream && { upstream: upstreamJson(path.upstream) }),
    ...(path.authorization && { authorization: authorizationJson(path.authorization) }),
    notes: path.notes,
    ...(path.alternatives.length > 0 && { alternatives: path.alternatives.map(pathJson) }),
  };
}

function hopJson({ service, port, podPort, subset, tls, sni }: Hop): object {
  return {
    service,
    port,
    ...(podPort !== undefined && { podPort }),
    subset,
    ...(tls !== undefined && { tls }),
    ...(sni !== undefined && { sni }),
  };
}

function serverJson({ at, port, protocol, mode, hosts }: ServerMatch): object {
  return { gateway: `${at.namespace}/${at.name}`, port, protocol, mode, hosts };
}

function upstreamJson({ host, port, tls, sni }: Upstream): object {
  return { host, port, tls, sni };
}

function authorizationJson({ decision, policies, depends }: Authorization): object {
  return { decision, policies, ...(depends.length > 0 && { depends }) };
}

/** The public JSON form of what no path is traced for. */
export function unevaluatedJson({ from, to, reason }: Unevaluated): object {
  return {
    from: { namespace: from.namespace, serviceAccount: from.serviceAccount },
    to: { protocol: to.protocol, host: to.host, port: to.port },
    reason,
  };
}

/**
 * `{"paths": […]}` in pieces, one path a line: all paths of a large mesh may not fit into one string. `notEvaluated` follows where there
 * is no path for something.
 */
export function* pathsJson(answers: readonly Answer[]): Generator<string> {
  yield '{"paths": [';
  yield* lines(answers.values().filter(isPath).map(pathJson));
  const rest = answers.values().filter((answer) => !isPath(answer));
  const first = rest.next();
  if (first.done !== true) {
    yield '\n],\n"notEvaluated": [';
    yield* lines([first.value, ...rest].values().map(unevaluatedJson));
  }
  yield '\n]}\n';
}

function* lines(values: Iterable<object>): Generator<string> {
  let separator = '\n';
  for (const value of values) {
    yield `${separator}${JSON.stringify(value)}`;
    separator = ',\n';
  }
}

/** The public JSON form of a finding. */
function findingJson(finding: Finding, locate: Locate): object {
  return {
    rule: finding.rule,
    severity: finding.severity,
    incomplete: finding.incomplete,
    resource: resourceJson(finding.resource),
    key: finding.key,
    field: finding.field,
    message: finding.message,
    fix: finding.fix,
    ...locate({ ...finding.resource, field: finding.field }),
    related: finding.related.map((at) => relatedJson(at, locate)),
    paths: finding.paths.map(affectedJson),
    ...(finding.exemption && { exemption: finding.exemption }),
  };
}

function relatedJson(at: FieldRef, locate: Locate): object {
  return { resource: resourceJson(at), field: at.field, ...locate(at) };
}

function affectedJson({ from, to, outcome }: AffectedPath): object {
  return {
    from: { namespace: from.namespace, serviceAccount: from.serviceAccount },
    to: { protocol: to.protocol, host: to.host, port: to.port },
    outcome,
  };
}

function resourceJson(ref: ResourceRef): object {
  const { kind, namespace, name } = writtenRef(ref);
  return { kind, namespace, name };
}

/** The public JSON of `check`. Ends with a line end. */
export function jsonCheck(reports: readonly CheckReport[]): string {
  const all = allFindings(reports);
  const findings = all.map(({ finding, locate }) => findingJson(finding, locate));
  const summary = summarize(all.map(({ finding }) => finding));
  return `${JSON.stringify({ findings, summary }, undefined, 2)}\n`;
}

/** One change and what was decided about it. */
export interface JudgedChange {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly resource: ResourceRef;
  readonly decision: Decision;
}

/** The public JSON of one path and the findings about it: `explain -o json`. Ends with a line end. */
export function explainJson(path: Path, findings: readonly Finding[], locate: Locate): string {
  const about = findings.map((finding) => findingJson(finding, locate));
  return `${JSON.stringify({ ...pathJson(path), findings: about }, undefined, 2)}\n`;
}

/** The public JSON of `check --against`: the findings that deny, and the decision about every change. Ends with a line end. */
export function decisionsJson(changes: readonly JudgedChange[], locate: Locate): string {
  const findings = changes.flatMap(({ decision }) => decision.denials.flatMap(({ finding }) => finding ?? []));
  const decisions = changes.map(({ operation, resource, decision }) => ({
    operation,
    resource: resourceJson(resource),
    allowed: decision.allowed,
    denials: decision.denials.map(({ reason, resource: at, field, message }) => ({
      reason,
      resource: at,
      field,
      message,
    })),
    warnings: decision.warnings.map(({ message }) => message),
  }));
  const all = findings.map((finding) => findingJson(finding, locate));
  return `${JSON.stringify({ findings: all, decisions, summary: summarize(findings) }, undefined, 2)}\n`;
}
