import { type ClientScopes, clientExpander } from '../egress/access.ts';
import { isMediated } from '../egress/class-paths.ts';
import { hostPaths } from '../egress/host-paths.ts';
import { type Client, type Path, stages, type Target } from '../egress/path.ts';
import { covers } from '../istio/hosts.ts';
import { displayRef, type FieldRef, idOf, type Resource, refOf } from '../istio/resources.ts';
import type { Overlay } from '../mesh/engine.ts';
import { factsOf, type MeshReader } from '../mesh/indexes.ts';
import { isDirectHost } from '../mesh/inventory.ts';
import type { ModelObject } from '../mesh/model-object.ts';
import { isRegistered, servicesCovering } from '../mesh/services.ts';
import type { Settings } from '../settings/settings.ts';
import type { Operation, Transition } from './decision.ts';
import { exemptionFor } from './exemptions.ts';
import type { Finding } from './finding.ts';
import { isAsBad, mergeTwo, present, presentationOf } from './findings.ts';
import {
  findingQueries,
  findingsById,
  identityOf,
  pathFindings,
  type RawFinding,
  resourceFindings,
} from './raw-findings.ts';
import { type PathChange, pathChanges, scopePairs, transitionOf } from './transitions.ts';

/** The mesh before and after a change, and what is needed to speak of the difference. */
export interface Comparison {
  readonly before: MeshReader;
  readonly after: Overlay<ModelObject>;
  readonly operation: Operation;
  readonly changed: Resource;
  readonly settings: Settings;
  /** ISO date (UTC). */
  readonly today: string;
  readonly scopesBefore: ClientScopes;
  readonly scopesAfter: ClientScopes;
}

/** What a change brings. */
export interface Judgement {
  readonly transitions: readonly Transition[];
  /** Findings that were not there before, or only warned, or only waited for another resource. */
  readonly introduced: readonly Finding[];
  /** Findings about paths that something else broke until now: a repair lays them open. */
  readonly uncovered: readonly Finding[];
  /** Hosts that nothing registers any more, though routes for them remain. */
  readonly retired: readonly string[];
}

/** How the paths to a host change. */
interface HostChange {
  /** Some client reached the host through the gateway. */
  readonly wasMediated: boolean;
  readonly changes: readonly PathChange[];
}

/** Compares the mesh before and after a change: only what the change touched is looked at. */
export function judgeChange(comparison: Comparison): Judgement {
  const changes = new Map<string, HostChange>();
  const gone = new Set<string>();
  const retired: string[] = [];
  const pairs = scopePairs(comparison.scopesBefore, comparison.scopesAfter);
  for (const { argument: host, before = [], after = [] } of comparison.after.changes(hostPaths)) {
    if (isRetired(comparison, host)) {
      gone.add(host);
      if (after.length > 0) retired.push(host);
      continue;
    }
    changes.set(host, { wasMediated: before.some(isMediated), changes: pathChanges(before, after, pairs) });
  }
  const transitions = [...changes].flatMap(([host, change]) => transitionsOf(comparison, host, change));
  const { introduced, uncovered } = newFindings(comparison, changes, gone);
  return { transitions, introduced, uncovered, retired };
}

/** True when a ServiceEntry registered the host before the change, and none does after it. */
function isRetired({ before, after }: Comparison, host: string): boolean {
  return !isRegistered(after, host) && isRegistered(before, host);
}

function transitionsOf(
  comparison: Comparison,
  host: string,
  { wasMediated, changes }: HostChange,
): readonly Transition[] {
  if (isDirectHost(factsOf(comparison.after).inventory, host)) return [];
  return changes.flatMap(({ to, clients, before, after }): readonly Transition[] => {
    const name = before === undefined || after === undefined ? undefined : transitionOf(before, after, wasMediated);
    if (before === undefined || after === undefined || name === undefined) return [];
    if (isExemptField(comparison, after.decidedBy.at(-1))) return [];
    const from = clients().filter((client) => !isExempt(comparison, host, to, client));
    if (from.length === 0) return [];
    const at = decidingField(after, comparison.changed);
    const base = { name, from, to, before: before.outcome, after: after.outcome, reason: reasonOf(name, after), at };
    if (name === 'access change') return [{ ...base, related: [] }];
    const registered = servicesCovering(comparison.after, host).map(({ resource }) => refOf(resource));
    const related = [...registered, ...after.decidedBy, ...before.decidedBy];
    return [{ ...base, related, wayOut: wayOutOf(comparison, host, at) }];
  });
}

function reasonOf(name: Transition['name'], after: Path): string {
  if (name === 'door' && after.outcome === 'allowed') return 'TLS origination is lost: plain HTTP leaves the gateway';
  const policies = after.authorization?.policies ?? [];
  if (name === 'access change' && after.outcome === 'denied' && policies.length > 0) return `by ${policies.join(', ')}`;
  return after.reason;
}

/** The field of the changed resource that decides the path afterwards, else the last that does. */
function decidingField(after: Path, changed: Resource): FieldRef {
  const own = refOf(changed);
  const decided = after.decidedBy.find(
    (at) => at.kind === own.kind && at.namespace === own.namespace && at.name === own.name,
  );
  return decided ?? { ...own, field: '' };
}

function wayOutOf({ operation, changed, after }: Comparison, host: string, at: FieldRef): string {
  const name = displayRef(refOf(changed));
  const [entry] = servicesCovering(after, host);
  const first = entry === undefined ? '' : `delete ${displayRef(refOf(entry.resource))} first`;
  const retire = first && `; if the host ${operation === 'UPDATE' ? 'or a port of it ' : ''}is to go, ${first}`;
  if (operation === 'DELETE') return `keep ${name} while clients use '${host}'${retire}`;
  if (operation === 'UPDATE') return `keep what ${name} did for '${host}'${retire}`;
  if (changed.kind === 'Sidecar') return `import the VirtualService of '${host}' in \`egress.hosts\``;
  if (at.field.endsWith('loadBalancer.simple')) return 'drop `simple: PASSTHROUGH`';
  if (changed.kind === 'ServiceEntry' && !names(changed, host)) return `list '${host}' in a ServiceEntry too`;
  const isAboutHost = changed.kind === 'DestinationRule' ? covers(changed.spec.host ?? '', host) : names(changed, host);
  if (!isAboutHost) return `change ${name} so that the path to '${host}' stays as it is`;
  return leadsSomewhere.test(at.field)
    ? `let ${at.field} lead to the egress gateway, or leave '${host}' out`
    : `leave '${host}' out of ${name}`;
}

/** The fields of routes that say where requests go. */
const leadsSomewhere = /\.(?:destination|backendRef|backendRefs\[\d+\])$/;

/** True when the spec names the host, wherever that is: only then can it be left out. */
function names({ spec }: Resource, host: string): boolean {
  return JSON.stringify(spec).toLowerCase().includes(host);
}

/** True when an exempted finding is what the client's path amounts to. */
function isExempt(
  { after, settings, today, scopesAfter }: Comparison,
  host: string,
  to: Target,
  client: Client,
): boolean {
  if (settings.exemptions.length === 0) return false;
  const expand = clientExpander(scopesAfter);
  return after
    .value(pathFindings, host)
    .some(
      (finding) =>
        exemptionFor(settings.exemptions, finding.rule, finding.at, today) !== undefined &&
        finding.affected.some(
          (affected) =>
            affected.to.protocol === to.protocol &&
            affected.to.port === to.port &&
            expand(affected.clients).some(({ namespace }) => namespace === client.namespace),
        ),
    );
}

/** True when an exempted finding is about the very field that decides where a path ends: it may be one of no path. */
function isExemptField({ after, settings, today }: Comparison, at: FieldRef | undefined): boolean {
  if (settings.exemptions.length === 0 || at === undefined) return false;
  return after
    .value(resourceFindings, idOf(at))
    .some(
      (finding) =>
        finding.at.field === at.field &&
        exemptionFor(settings.exemptions, finding.rule, finding.at, today) !== undefined,
    );
}

/** `gone`: the hosts that the change retires; what becomes of the routes that remain is no finding. */
function newFindings(
  comparison: Comparison,
  changes: ReadonlyMap<string, HostChange>,
  gone: ReadonlySet<string>,
): Pick<Judgement, 'introduced' | 'uncovered'> {
  const { before, after, settings, today, scopesAfter } = comparison;
  const fresh = new Map<string, RawFinding>();
  for (const query of findingQueries) {
    for (const { after: findings = [] } of after.changes(query)) {
      for (const finding of findings) {
        const { affected } = finding;
        if (affected.length > 0 && affected.every(({ to }) => gone.has(to.host))) continue;
        const identity = identityOf(finding);
        if (before.entries(findingsById, identity).some((known) => isAsBad(known, finding, settings))) continue;
        const other = fresh.get(identity);
        fresh.set(identity, other === undefined ? finding : mergeTwo(other, finding));
      }
    }
  }
  const introduced: Finding[] = [];
  const uncovered: Finding[] = [];
  if (fresh.size === 0) return { introduced, uncovered };
  const presentation = presentationOf(after, scopesAfter, { settings, today });
  const repaired = repairedStages(comparison);
  for (const raw of fresh.values()) {
    const finding = present(raw, presentation);
    if (finding === undefined || finding.exemption !== undefined) continue;
    (isUncovered(raw, repaired, changes) ? uncovered : introduced).push(finding);
  }
  return { introduced, uncovered };
}

/** The targets whose paths a change frees from a contradiction of severity error, with the earliest stage of one. */
function repairedStages({ before, after, settings, today, scopesBefore }: Comparison): ReadonlyMap<string, number> {
  const presentation = presentationOf(before, scopesBefore, { settings, today });
  const repaired = new Map<string, number>();
  for (const { before: findings = [] } of after.changes(pathFindings)) {
    for (const finding of findings) {
      const { stage, incomplete, affected } = finding;
      if (stage === undefined || incomplete || after.first(findingsById, identityOf(finding)) !== undefined) continue;
      if (present(finding, presentation)?.severity !== 'error') continue;
      for (const { to } of affected) {
        const key = targetKey(to);
        repaired.set(key, Math.min(repaired.get(key) ?? stages.length, stages.indexOf(stage)));
      }
    }
  }
  return repaired;
}

/**
 * True when every path that the finding affects was broken, at its stage or an earlier one, by what the change repairs: the finding
 * was behind it all along. A path that was only incomplete is another matter: what completes it answers for what it then is.
 */
function isUncovered(
  { stage, affected }: RawFinding,
  repaired: ReadonlyMap<string, number>,
  changes: ReadonlyMap<string, HostChange>,
): boolean {
  if (stage === undefined || affected.length === 0) return false;
  const judged = stages.indexOf(stage);
  return affected.every(({ to }) => {
    const key = targetKey(to);
    const related = (changes.get(to.host)?.changes ?? []).filter((change) => targetKey(change.to) === key);
    const wasBroken = related.length > 0 && related.every(({ before }) => before?.outcome === 'broken');
    return wasBroken && (repaired.get(key) ?? stages.length) <= judged;
  });
}

function targetKey({ protocol, host, port }: Target): string {
  return `${protocol} ${host} ${port}`;
}
