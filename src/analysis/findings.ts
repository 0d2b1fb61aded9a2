import { type ClientScopes, clientExpander, knowsClients } from '../egress/access.ts';
import type { Clients } from '../egress/class-paths.ts';
import type { Client, Target } from '../egress/path.ts';
import { compareText, displayRef, idOf } from '../istio/resources.ts';
import type { MeshReader } from '../mesh/indexes.ts';
import { rules } from '../rules/index.ts';
import type { Settings } from '../settings/settings.ts';
import { exemptionFor } from './exemptions.ts';
import type { AffectedPath, Finding, Severity } from './finding.ts';
import { identityOf, type RawFinding } from './raw-findings.ts';

const ownSeverity: ReadonlyMap<string, Severity> = new Map(rules.map((rule) => [rule.name, rule.severity]));

/** The severity of a finding under the settings; undefined: its rule is switched off. */
function severityOf({ rule, severity }: RawFinding, settings: Settings): Severity | undefined {
  const set = settings.rules[rule];
  return set === 'off' ? undefined : (set ?? severity ?? ownSeverity.get(rule));
}

/** True when one finding of an identity is as bad under the settings as the other: neither milder nor waiting for what the other does not need. */
export function isAsBad(one: RawFinding, other: RawFinding, settings: Settings): boolean {
  const isMilder = severityOf(one, settings) !== 'error' && severityOf(other, settings) === 'error';
  return !isMilder && (!one.incomplete || other.incomplete);
}

/** How findings become what users see. */
export interface Presentation {
  readonly settings: Settings;
  /** ISO date (UTC). */
  readonly today: string;
  readonly expand: (clients: Clients) => readonly Client[];
  /** False where no namespace is known to be a client: then every path counts, else only those that somebody takes. */
  readonly hasClients: boolean;
  /** True when further resources exist elsewhere: incomplete findings only warn. */
  readonly isPartial?: boolean;
}

/** How the findings of a mesh become what users see; `scopes`: those of the mesh. */
export function presentationOf(
  reader: MeshReader,
  scopes: ClientScopes,
  { settings, today }: Pick<Presentation, 'settings' | 'today'>,
): Presentation {
  return { settings, today, expand: clientExpander(scopes), hasClients: knowsClients(reader, scopes) };
}

/** A finding with its severity, its exemption and the clients that it affects; undefined when its rule is off, or nobody takes its paths. */
export function present(raw: RawFinding, presentation: Presentation): Finding | undefined {
  const { settings, today, expand, hasClients, isPartial = false } = presentation;
  const severity = severityOf(raw, settings);
  if (severity === undefined) return undefined;
  const paths = affectedPaths(raw, expand);
  if (hasClients && raw.affected.length > 0 && paths.length === 0) return undefined;
  const { kind, namespace, name, field } = raw.at;
  const resource = { kind, namespace, name };
  const exemption = exemptionFor(settings.exemptions, raw.rule, resource, today);
  return {
    rule: raw.rule,
    severity: isPartial && raw.incomplete ? 'warning' : severity,
    incomplete: raw.incomplete,
    resource,
    key: raw.key,
    field,
    message: raw.message,
    fix: raw.fix,
    related: raw.related,
    paths,
    ...(exemption === undefined ? {} : { exemption }),
  };
}

/** What of several findings users see. */
export function presentAll(raw: readonly RawFinding[], presentation: Presentation): readonly Finding[] {
  return raw.map((finding) => present(finding, presentation)).filter((finding) => finding !== undefined);
}

/** Findings of one identity, which several hosts may yield, as one. */
export function mergeByIdentity(findings: Iterable<RawFinding>): readonly RawFinding[] {
  const merged = new Map<string, RawFinding>();
  for (const finding of findings) {
    const identity = identityOf(finding);
    const known = merged.get(identity);
    merged.set(identity, known === undefined ? finding : mergeTwo(known, finding));
  }
  return [...merged.values()];
}

/** Two findings of one identity as one: as bad as the worse of them, in whichever order they come. */
export function mergeTwo(one: RawFinding, other: RawFinding): RawFinding {
  const [first, second] = standsFirst(one, other) ? [one, other] : [other, one];
  return {
    ...first,
    incomplete: first.incomplete && second.incomplete,
    affected: [...first.affected, ...second.affected],
  };
}

function standsFirst(one: RawFinding, other: RawFinding): boolean {
  const isError = (finding: RawFinding): number =>
    Number((finding.severity ?? ownSeverity.get(finding.rule)) === 'error');
  const order =
    isError(other) - isError(one) ||
    Number(one.incomplete) - Number(other.incomplete) ||
    compareText(one.at.field, other.at.field) ||
    compareText(one.message, other.message) ||
    compareText(one.fix, other.fix);
  return order <= 0;
}

/** Worst first: errors before warnings, what only waits for something after what is wrong; then by resource, field and rule. */
export function worstFirst(a: Finding, b: Finding): number {
  return (
    rank(a) - rank(b) ||
    compareText(idOf(a.resource), idOf(b.resource)) ||
    compareText(a.field, b.field) ||
    compareText(a.rule, b.rule) ||
    compareText(a.key, b.key)
  );
}

/** `Kind namespace/name field: what is; what to do (rule-name)`. */
export function messageOf({
  resource,
  field,
  message,
  fix,
  rule,
}: Pick<Finding, 'resource' | 'field' | 'message' | 'fix' | 'rule'>): string {
  return `${displayRef(resource)}${field === '' ? '' : ` ${field}`}: ${message}; ${fix} (${rule})`;
}

function rank({ severity, incomplete, exemption }: Finding): number {
  return (exemption === undefined ? 0 : 4) + (severity === 'error' ? 0 : 2) + (incomplete ? 1 : 0);
}

function affectedPaths({ affected }: RawFinding, expand: Presentation['expand']): readonly AffectedPath[] {
  const paths = new Map<string, AffectedPath>();
  for (const { to, clients, outcome } of affected) {
    for (const from of expand(clients)) paths.set(placeOf(from, to), { from, to, outcome });
  }
  return [...paths].sort(([a], [b]) => compareText(a, b)).map(([, path]) => path);
}

function placeOf(from: Client, to: Target): string {
  return `${to.host} ${to.protocol} ${to.port} ${from.namespace}/${from.serviceAccount}`;
}
